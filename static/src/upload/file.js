// What can be known of a file before a byte is sent.
import { contradiction } from "./content.js";
import { Problem } from "./problem.js";
import { bytes, fill } from "./words.js";

/**
 * Refuse what the product can't take, and on the page of an order what is not its file.
 * @param {File|undefined} file
 * @param {DOMStringMap} words data-* of the form: accept (".csv,.tsv"), maxBytes, size (of the order's file), sentences
 * @param {number|undefined} begun when the file was last changed, as it was when its sending began (milliseconds)
 * @throws {Problem}
 */
export async function check(file, words, begun) {
  const refuse = (sentence) => {
    throw new Problem(sentence, "file");
  };
  if (!file) refuse(words.noFile);
  const ending = file.name.toLowerCase().match(/\.[^.]*$/)?.[0] ?? "";
  const endings = words.accept.split(",").filter(Boolean);
  if (endings.length && !endings.includes(ending)) refuse(words.wrongType);
  if (file.size === 0) refuse(words.empty);
  if (file.size > Number(words.maxBytes)) refuse(words.tooLarge);
  if (words.size && file.size !== Number(words.size)) refuse(words.anotherFile);
  if (begun && file.lastModified !== begun) refuse(words.changed);
  const kind = await contradiction(file, ending).catch(() => refuse(words.unreadable));
  if (kind !== null) refuse(fill(words.otherContent, { ending, kind: kind || words.somethingElse }));
}

/** How a file is called on the page: macOS takes letters and their marks apart, and fonts draw them so. */
export const nameOf = (file) => file.name.normalize("NFC");
