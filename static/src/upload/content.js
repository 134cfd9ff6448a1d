// What a file is by its first bytes, where those say it beyond doubt. Anything else passes: the portal looks closer.
const HEAD = 64; // bytes that are read

const text = (characters) => [...characters].map((character) => character.charCodeAt(0));

// [what people call it, bytes that must all be there as {offset: bytes}, endings that such a file may have]
const KINDS = [
  ["PDF", { 0: text("%PDF-") }, ".pdf .ai"],
  ["ZIP", { 0: text("PK\x03\x04") }, ".zip .xlsx .xlsm .docx .pptx .ods .odt .epub .jar .kmz .npz .3mf"],
  ["PNG", { 0: text("\x89PNG\r\n\x1a\n") }, ".png"],
  ["JPEG", { 0: [0xff, 0xd8, 0xff] }, ".jpg .jpeg"],
  ["GIF", { 0: text("GIF8"), 5: text("a") }, ".gif"],
  ["WebP", { 0: text("RIFF"), 8: text("WEBP") }, ".webp"],
  ["WAV", { 0: text("RIFF"), 8: text("WAVE") }, ".wav"],
  ["HEIC", { 4: text("ftyphei") }, ".heic .heif"],
  ["gzip", { 0: [0x1f, 0x8b, 0x08] }, ".gz .tgz"],
  ["7z", { 0: text("7z\xbc\xaf\x27\x1c") }, ".7z"],
  ["RAR", { 0: text("Rar!\x1a\x07") }, ".rar"],
  ["Excel 97 / Word 97", { 0: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1] }, ".xls .doc .ppt .msg"],
  ["SQLite", { 0: text("SQLite format 3\0") }, ".db .sqlite .sqlite3 .gpkg"],
  ["EXE", { 0: text("MZ"), 62: [0, 0] }, ".exe .dll"], // two letters alone may begin a table; zeros don't
  ["ELF", { 0: text("\x7fELF") }, ".so .elf"],
];

const STRICT = [".pdf", ".png", ".jpg", ".jpeg", ".gif"]; // nothing reads these without their first bytes

/**
 * @param {Blob} file
 * @param {string} ending of its name, in lower case: ".csv"
 * @returns {Promise<string|null>} what it is instead, "" where nobody knows; null: nothing speaks against the ending
 */
export async function contradiction(file, ending) {
  const head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  const there = ([offset, bytes]) => bytes.every((byte, index) => head[Number(offset) + index] === byte);
  const kind = KINDS.find(([, signature]) => Object.entries(signature).every(there));
  if (kind) return kind[2].split(" ").includes(ending) ? null : kind[0];
  return STRICT.includes(ending) ? "" : null;
}
