/** Something the customer must be told: `message` is a sentence in their language. */
export class Problem extends Error {
  /** @param {string} message @param {string|null} field "email", "file", "product", or null for the whole form */
  constructor(message, field = null) {
    super(message);
    this.field = field;
  }
}
