// The order form: choose, check, hash, order, send, confirm. Without this file it is a plain form.
import { check, digest } from "./upload/file.js";
import { Problem } from "./upload/problem.js";
import { post } from "./upload/server.js";
import { Transfer } from "./upload/transfer.js";
import { View } from "./upload/view.js";

const form = document.querySelector("form[data-upload]");
const words = form.dataset;
const view = new View(form);
const input = form.querySelector("#file");

let file; // chosen
let order; // made for this file: a retry goes on with it
let transfer;
let attempt = 0; // giving up raises it, so that what is still under way stops at its next step

const warn = (event) => event.preventDefault();

function choose(next) {
  view.forgive();
  [file, order, transfer] = [next, undefined, undefined];
  view.chosen(file);
  try {
    check(file, words);
  } catch (problem) {
    view.complain(problem);
  }
}

async function place() {
  const sha256 = await digest(file, words, (done) => view.moving(words.preparing, done, file.size));
  const fields = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries({ filename: file.name, size: file.size, sha256 })) fields.set(name, value);
  return post(form.action, fields, words, { again: false });
}

/** @returns {Promise<string|null>} the order page's address; null: the customer gave up */
async function send() {
  const mine = attempt;
  const placed = order ?? (await place());
  if (mine !== attempt) return null;
  order = placed;
  const grant = order.upload;
  transfer ??= new Transfer(file, grant, words, (sent) => view.moving(words.sending, sent, file.size));
  view.stage(words.starting);
  if (!(await transfer.run())) return null;
  view.part("cancel").hidden = true;
  view.stage(words.confirming);
  try {
    const answer = await post(grant.confirm_url, {}, words, { again: true });
    return answer.order_url ?? grant.order_url;
  } catch (problem) {
    transfer = undefined; // what arrived was not what was promised: send it anew
    throw problem;
  }
}

async function go() {
  view.forgive();
  try {
    const email = form.querySelector("#email");
    check(file, words);
    if (!email.checkValidity()) throw new Problem(words.badEmail, "email");
    view.face("work");
    view.part("cancel").hidden = false;
    addEventListener("beforeunload", warn);
    const next = await send();
    removeEventListener("beforeunload", warn);
    if (next) location.assign(next);
  } catch (problem) {
    removeEventListener("beforeunload", warn);
    if (!(problem instanceof Problem)) console.error(problem);
    view.complain(problem instanceof Problem ? problem : new Problem(words.serverError));
  }
}

function giveUp() {
  attempt += 1;
  transfer?.cancel();
  [order, transfer] = [undefined, undefined];
  view.face("ask");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  go();
});
input.addEventListener("change", () => choose(input.files[0]));
view.part("retry").addEventListener("click", go);
view.part("back").addEventListener("click", giveUp);
view.part("cancel").addEventListener("click", giveUp);

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
