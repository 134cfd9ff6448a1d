// What can be known of a file before a byte is sent.
import { Problem } from "./problem.js";

/**
 * Refuse what the product can't take.
 * @param {File|undefined} file
 * @param {DOMStringMap} words data-* of the form: accept (".csv,.tsv"), maxBytes, and the sentences
 */
export function check(file, words) {
  if (!file) throw new Problem(words.noFile, "file");
  const name = file.name.toLowerCase();
  const endings = words.accept.split(",").filter(Boolean);
  if (endings.length && !endings.some((ending) => name.endsWith(ending))) throw new Problem(words.wrongType, "file");
  if (file.size === 0) throw new Problem(words.empty, "file");
  if (file.size > Number(words.maxBytes)) throw new Problem(words.tooLarge, "file");
}

/**
 * SHA-256 in a worker, so that the page stays quick.
 * @returns {Promise<string>} 64 hex digits
 */
export function digest(file, words, onProgress) {
  const worker = new Worker(words.worker, { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.sha256) resolve(data.sha256);
      else if (data.error) reject(new Problem(words.unreadable, "file"));
      else onProgress(data.done);
    };
    worker.onerror = () => reject(new Problem(words.serverError));
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}
