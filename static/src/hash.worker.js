// SHA-256 of a file, read in pieces so that a file of any size fits in memory.
// In: File. Out: {done: bytes} while it works, at last {sha256: 64 hex digits}, or {error: text}.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const PIECE = 8 * 1024 * 1024;

onmessage = async ({ data: file }) => {
  try {
    const hash = sha256.create();
    for (let start = 0; start < file.size; start += PIECE) {
      hash.update(new Uint8Array(await file.slice(start, start + PIECE).arrayBuffer()));
      postMessage({ done: Math.min(start + PIECE, file.size) });
    }
    postMessage({ sha256: bytesToHex(hash.digest()) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
