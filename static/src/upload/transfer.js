// The file, from the browser straight to the object store, each part signed by our server.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import { post } from "./server.js";

const PARALLEL = 4; // requests at a time
const RETRIES = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000]; // milliseconds before a part is sent again
const QUIET = 5_000; // milliseconds without a byte: the customer is told
const STALL = 60_000; // milliseconds without a byte while there is a network: the connections are made anew

const SILENT = { debug() {}, warn() {}, error() {} }; // what fails is tried again, or told in our own words

/**
 * Send what has not arrived yet. Uppy signs and sends the parts, repeats what failed, and waits while there is no
 * network; which parts are there, and that they are all there, is the server's business (POST upload_url, confirm_url).
 * @param {File} file
 * @param {object} upload as the server describes it (docs/upload.md)
 * @param {DOMStringMap} words data-* of the form
 * @param {{checksum: Checksum, onProgress: (sent: number) => void, onQuiet: () => void, signal: AbortSignal}} options
 *   onProgress: bytes at the object store, those of earlier tries included
 * @throws {Problem} what repeating does not help; the signal's reason; any other error: ask the server and try again
 */
export async function transfer(file, upload, words, { checksum, onProgress, onQuiet, signal }) {
  const uppy = new Uppy({ logger: SILENT });
  let lastByte = Date.now();
  let watch;
  try {
    await new Promise((resolve, reject) => {
      const heard = (sent) => {
        lastByte = Date.now();
        onProgress(sent);
      };
      signal.throwIfAborted();
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      uppy.use(AwsS3, options(upload, words, checksum, reject, signal));
      uppy.on("upload-progress", (_, { bytesUploaded }) => heard(bytesUploaded));
      uppy.on("upload-success", resolve);
      uppy.on("upload-error", (_, error) => reject(error));
      watch = setInterval(() => {
        const quiet = Date.now() - lastByte;
        if (quiet > QUIET) onQuiet();
        if (!navigator.onLine) lastByte = Math.max(lastByte, Date.now() - QUIET - 1);
        else if (quiet > STALL) reject(new Error("stalled"));
      }, 1_000);
      const id = uppy.addFile({ name: file.name, type: "application/octet-stream", data: file });
      // Always as a resumed upload: Uppy asks which parts are there, and begins none of its own.
      if (upload.multipart) uppy.setFileState(id, { s3Multipart: { key: upload.order_url, uploadId: upload.order_url } });
      heard(Math.min(file.size, upload.parts.length * upload.part_size));
      uppy.upload().catch(reject);
    });
  } finally {
    clearInterval(watch);
    uppy.destroy();
  }
}

function options(upload, words, checksum, reject, signal) {
  const sign = async (part, fields) => {
    try {
      const sha256 = await checksum.of(part);
      return await post(upload.sign_url, { ...fields, sha256 }, words, { again: true, signal });
    } catch (error) {
      reject(error); // Uppy would ask again and again
      throw error;
    }
  };
  return {
    limit: PARALLEL,
    retryDelays: RETRIES,
    shouldUseMultipart: upload.multipart,
    getChunkSize: () => upload.part_size,
    getUploadParameters: async () => ({ method: "POST", ...(await sign(1, {})) }),
    signPart: (_, { partNumber }) => sign(partNumber, { part: partNumber }),
    listParts: () => upload.parts.map((number) => ({ PartNumber: number, ETag: "" })),
    // The server does these three itself; Uppy would throw the parts away after any failure.
    createMultipartUpload: () => Promise.reject(new Error("begun by the server")),
    completeMultipartUpload: () => ({}),
    abortMultipartUpload: () => ({}),
  };
}
