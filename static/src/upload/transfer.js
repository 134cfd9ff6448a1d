// The file, from the browser straight to the object store, each request signed by our server.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import { Problem } from "./problem.js";
import { post } from "./server.js";

const STALL = 60_000; // milliseconds without a byte before the connection is made anew

/**
 * One file on its way. `run()` again after a Problem goes on after the parts that arrived.
 * @param {File} file
 * @param {object} grant `upload` of the answer to POST /orders
 * @param {(sent: number) => void} onProgress bytes at the object store
 */
export class Transfer {
  #uppy = new Uppy({ allowMultipleUploadBatches: true });
  #words;
  #failure = null;
  #lastByte = 0;

  constructor(file, grant, words, onProgress) {
    this.#words = words;
    this.#uppy.use(AwsS3, {
      shouldUseMultipart: ({ size }) => size > grant.part_size,
      getChunkSize: () => grant.part_size,
      generateObjectKey: () => grant.key,
      allowedMetaFields: false,
      signRequest: ({ method, key, uploadId, partNumber, contentType }) =>
        post(
          grant.sign_url,
          { method, key, upload_id: uploadId, part_number: partNumber, content_type: contentType },
          words,
          { again: true },
        ),
    });
    this.#uppy.on("upload-progress", (_, { bytesUploaded }) => {
      this.#lastByte = Date.now();
      onProgress(bytesUploaded);
    });
    this.#uppy.on("upload-error", (_, error) => (this.#failure = error));
    this.#uppy.addFile({ name: file.name, type: grant.content_type, data: file });
  }

  /** @returns {Promise<boolean>} false: the customer gave up; @throws {Problem} */
  async run() {
    const again = this.#failure !== null;
    this.#failure = null;
    this.#lastByte = Date.now();
    const watch = setInterval(() => this.#reconnect(), 5_000);
    try {
      const result = await (again ? this.#uppy.retryAll() : this.#uppy.upload());
      if (this.#failure instanceof Problem) throw this.#failure;
      if (this.#failure) throw new Problem(navigator.onLine ? this.#words.storeError : this.#words.offline);
      return Boolean(result?.successful.length);
    } finally {
      clearInterval(watch);
    }
  }

  cancel() {
    this.#uppy.cancelAll();
  }

  #reconnect() {
    if (!navigator.onLine || Date.now() - this.#lastByte < STALL) return;
    this.#lastByte = Date.now();
    this.#uppy.pauseAll();
    this.#uppy.resumeAll();
  }
}
