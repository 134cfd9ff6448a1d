// SHA-256 of a file and of its parts. WebCrypto computes it, off the main thread and several times faster than a script.
import { Problem } from "./problem.js";

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The parts' checksums, each computed once, and from them the file's. */
export class Checksum {
  #file;
  #size;
  #words;
  #parts = new Map(); // number -> promise of 32 bytes
  #done = 0;
  #tell = () => {};

  /** @param {File} file @param {object} upload as the server describes it @param {DOMStringMap} words */
  constructor(file, upload, words) {
    this.#file = file;
    this.#size = upload.multipart ? upload.part_size : file.size;
    this.#words = words;
    /**
     * Of the whole file: the SHA-256 of a small one; of a large one the SHA-256 of its parts' SHA-256s, which S3 calls
     * the composite checksum. Hex; undefined where the page is not served safely (WebCrypto is missing then).
     * @type {Promise<string|undefined>} rejects with a Problem
     */
    this.whole = globalThis.crypto.subtle ? this.#composite() : Promise.resolve();
    this.whole.catch(() => {}); // heard by whoever asks, maybe much later
  }

  /** @param {(done: number) => void} listener is told how many bytes are done from now on */
  tell(listener) {
    this.#tell = listener;
    listener(this.#done);
  }

  /** @param {number} number of the part, from 1 @returns {Promise<string|undefined>} hex @throws {Problem} */
  async of(number) {
    return globalThis.crypto.subtle && hex(await this.#digest(number));
  }

  /** No more work: whoever asked is never told. */
  stop() {
    this.#digest = () => new Promise(() => {});
  }

  #digest = (number) => {
    if (!this.#parts.has(number)) this.#parts.set(number, this.#compute(number));
    return this.#parts.get(number);
  };

  async #compute(number) {
    const part = this.#file.slice((number - 1) * this.#size, number * this.#size);
    try {
      return new Uint8Array(await crypto.subtle.digest("SHA-256", await part.arrayBuffer()));
    } catch {
      throw new Problem(this.#words.unreadable, "file");
    }
  }

  /** Piece after piece, while the parts are sent: at most one more part is in memory. */
  async #composite() {
    const count = Math.ceil(this.#file.size / this.#size);
    const all = new Uint8Array(32 * count);
    for (let number = 1; number <= count; number += 1) {
      all.set(await this.#digest(number), 32 * (number - 1));
      this.#tell((this.#done = Math.min(this.#file.size, number * this.#size)));
    }
    return hex(count === 1 ? all : new Uint8Array(await crypto.subtle.digest("SHA-256", all)));
  }
}
