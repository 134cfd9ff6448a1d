/** Something the customer must be told: `message` is a sentence in their language. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {string|null} field "email", "file", "product", or null for the whole form
   * @param {string|null} code the server's name for it, such as "conflict"
   */
  constructor(message, field = null, code = null) {
    super(message);
    this.field = field;
    this.code = code;
  }
}
