// One file on its way through bad lines: what broke goes on by itself, after what has arrived.
import { Problem } from "./problem.js";
import { transfer } from "./transfer.js";
import { online, pause } from "./waiting.js";

const PAUSES = [1_000, 5_000, 15_000, 30_000, 60_000]; // milliseconds before each further try

/**
 * @param {File} file
 * @param {() => Promise<object>} ask for the upload as it stands at the server
 * @param {DOMStringMap} words data-* of the form
 * @param {{onProgress: (sent: number) => void, onQuiet: () => void, signal: AbortSignal}} options see transfer
 * @param {(upload: object) => Checksum} checksumOf the file's, cut as this upload is
 * @returns {Promise<object>} the upload, all of it at the object store
 * @throws {Problem} after several tries without one more part at the store; the signal's reason
 */
export async function send(file, ask, words, checksumOf, options) {
  const { signal } = options;
  let best = -1; // parts that had arrived
  for (let failures = 0; ; failures += 1) {
    const upload = await ask();
    if (upload.parts.length > best) [best, failures] = [upload.parts.length, 0];
    try {
      await transfer(file, upload, words, { checksum: checksumOf(upload), ...options });
      return upload;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Problem) throw error;
      if (failures === PAUSES.length) throw new Problem(words.storeError);
      options.onQuiet();
      await pause(PAUSES[failures], signal);
      await online(signal);
    }
  }
}
