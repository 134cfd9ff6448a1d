// The upload form: choose, check, order (or go on with an order), send, confirm. Without this file it is a plain form.
import { Checksum } from "./upload/checksum.js";
import { check, nameOf } from "./upload/file.js";
import { forget, remember, remembered } from "./upload/memory.js";
import { Problem } from "./upload/problem.js";
import { send } from "./upload/sending.js";
import { post } from "./upload/server.js";
import { View } from "./upload/view.js";

const CONFIRM_TIMEOUT = 300_000; // the portal puts the parts together and copies the file

// On the page of an order that waits for its file the form stands in place of the plain one.
const plain = document.getElementById("plain-upload");
plain?.replaceWith(document.querySelector("template[data-part=go-on]").content);

const form = document.querySelector("form[data-upload]");
const words = form.dataset;
const view = new View(form);
const input = form.querySelector("#file");
const email = form.querySelector("#email");

let file; // chosen
let order; // {order_id, upload}: made for this file; to try again is to go on with it
let checksum; // of this file
let sent = 0; // bytes
let going = new AbortController(); // what is under way

const warn = (event) => event.preventDefault();

function choose(next) {
  view.forgive();
  checksum?.stop();
  [file, order, checksum] = [next, undefined, undefined];
  view.chosen(file && nameOf(file), file?.size);
  look().catch((problem) => file === next && view.complain(problem));
}

const look = () => check(file, words, remembered().find((each) => each.order === words.order)?.lastModified);

/** The upload as it stands at the server: of a new order, or of one that has been made. */
async function ask(signal) {
  const there = order?.upload.upload_url ?? words.goOn;
  const what = { filename: file.name, size: file.size };
  if (there) {
    order = await post(there, what, words, { again: true, signal });
  } else {
    const fields = new URLSearchParams([...new FormData(form), ...Object.entries(what)]);
    order = await post(form.action, fields, words, { again: false, signal });
  }
  remember(order.order_id, file, order.upload);
  return order.upload;
}

/** @returns {Promise<string>} the order page's address @throws {Problem} or the signal's reason */
async function deliver(signal) {
  view.stage(words.starting);
  // The file is hashed while it is sent.
  const checksumOf = (upload) => (checksum ??= new Checksum(file, upload, words));
  const upload = await send(file, () => ask(signal), words, checksumOf, {
    signal,
    onProgress: (done) => view.moving(words.sending, (sent = done), file.size),
    onQuiet: () => view.still(navigator.onLine ? words.reconnecting : words.waiting),
  });
  view.ending();
  checksum.tell((done) => view.moving(words.checking, done, file.size));
  const sha256 = await checksum.whole;
  view.stage(words.confirming);
  const answer = await post(upload.confirm_url, { sha256 }, words, { again: true, signal, timeout: CONFIRM_TIMEOUT });
  return answer.order_url ?? upload.order_url;
}

async function go() {
  const { signal } = (going = new AbortController());
  view.forgive();
  try {
    await look();
    if (email && !email.checkValidity()) throw new Problem(words.badEmail, "email");
    view.face("work");
    addEventListener("beforeunload", warn, { signal });
    leave(await deliver(signal));
  } catch (error) {
    if (signal.aborted) return;
    if (error.code === "conflict" && order) leave(order.upload.order_url); // it has arrived already
    else if (error instanceof Problem) view.complain(error);
    else view.complain(console.error(error) ?? new Problem(words.serverError));
  } finally {
    removeEventListener("beforeunload", warn);
  }
}

function leave(address) {
  removeEventListener("beforeunload", warn);
  forget(order.order_id);
  location.assign(address);
}

function halt() {
  going.abort();
  view.paused(sent, file.size);
}

function giveUp() {
  going.abort();
  if (order) forget(order.order_id);
  checksum?.stop();
  [order, checksum, sent] = [undefined, undefined, 0];
  view.face("ask");
  input.focus();
}

/** Offer the newest upload of this browser that still waits for the rest of its file. */
async function offer() {
  for (const { order: id, order_url: url, upload_url: there, name, size } of remembered()) {
    try {
      const { upload } = await post(there, { filename: name, size }, words, { again: false, signal: going.signal });
      const arrived = Math.min(size, upload.parts.length * upload.part_size);
      view.unfinished({ name: name.normalize("NFC"), arrived, size, url });
      return;
    } catch ({ code }) {
      if (["conflict", "not_found"].includes(code)) forget(id); // ended, or not ours any more
    }
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  go();
});
input.addEventListener("change", () => choose(input.files[0]));
for (const [part, action] of [["retry", go], ["resume", go], ["back", giveUp], ["cancel", giveUp], ["pause", halt]])
  view.part(part).addEventListener("click", action);

const drop = view.part("drop");
for (const type of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", type === "dragover");
    if (type !== "drop" || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    choose(input.files[0]);
  });
}

if (!words.goOn) offer();
