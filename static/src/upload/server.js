// Our own server: every answer is JSON, every failure a Problem.
import { Problem } from "./problem.js";

const TIMEOUT = 30_000;
const PAUSES = [500, 2_000]; // milliseconds before the second and third try

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function once(url, body, words) {
  const headers = { Accept: "application/json", "X-CSRFToken": words.csrf };
  if (typeof body === "string") headers["Content-Type"] = "application/json";
  const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(TIMEOUT) });
  if (response.status >= 500) throw new Error(String(response.status));
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(answer.error?.message ?? words.serverError, answer.error?.field);
}

/**
 * @param {string} url
 * @param {URLSearchParams|object} body a form, or an object sent as JSON
 * @param {{again: boolean}} options again: repeating does no harm, so try three times
 */
export async function post(url, body, words, { again }) {
  const payload = body instanceof URLSearchParams ? body : JSON.stringify(body);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once(url, payload, words);
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (!again || attempt === PAUSES.length) throw new Problem(navigator.onLine ? words.serverError : words.offline);
      await pause(PAUSES[attempt]);
    }
  }
}
