// Our own server: every answer is JSON, every failure a Problem.
import { Problem } from "./problem.js";
import { online, pause } from "./waiting.js";

const TIMEOUT = 30_000;
const PAUSES = [500, 2_000, 5_000, 10_000, 20_000]; // milliseconds before each further try

async function once(url, body, words, timeout, signal) {
  const headers = { Accept: "application/json", "X-CSRFToken": words.csrf };
  if (typeof body === "string") headers["Content-Type"] = "application/json";
  const limits = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const response = await fetch(url, { method: "POST", headers, body, signal: limits });
  if (response.status >= 500 || response.status === 429) throw new Error(String(response.status));
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(answer.error?.message ?? words.serverError, answer.error?.field, answer.error?.code);
}

/**
 * @param {string} url
 * @param {URLSearchParams|object} body a form, or an object sent as JSON
 * @param {DOMStringMap} words data-* of the form
 * @param {{again: boolean, signal: AbortSignal, timeout?: number}} options
 *   again: repeating does no harm, so try for a while, and wait for the network where there is none
 * @throws {Problem} or the signal's reason
 */
export async function post(url, body, words, { again, signal, timeout = TIMEOUT }) {
  const payload = body instanceof URLSearchParams ? body : JSON.stringify(body);
  for (let attempt = 0; ; attempt += 1) {
    if (again) await online(signal);
    try {
      return await once(url, payload, words, timeout, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Problem) throw error;
      if (!again || attempt === PAUSES.length) throw new Problem(navigator.onLine ? words.serverError : words.offline);
      await pause(PAUSES[attempt], signal);
    }
  }
}
