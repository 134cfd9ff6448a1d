// The form's three faces: asking, working, failed. It knows elements and words, nothing of uploads.
import { bytes, duration, fill, speedometer } from "./words.js";

export class View {
  #form;
  #words;
  #speed;
  #lastSaid = "";

  /** @param {HTMLFormElement} form templates/_order_form.html */
  constructor(form) {
    this.#form = form;
    this.#words = form.dataset;
    form.noValidate = true;
    for (const part of form.querySelectorAll("[data-part=later]")) part.hidden = true;
    this.part("drop").hidden = false;
  }

  part(name) {
    return this.#form.querySelector(`[data-part="${name}"]`);
  }

  /** @param {string} name @param {number} size in bytes; without both: nothing is chosen */
  chosen(name, size) {
    this.part("chosen").textContent = name ? fill(this.#words.chosen, { name, size: bytes(size) }) : "";
  }

  /** An upload that was not ended, to go on with. */
  unfinished({ name, arrived, size, url }) {
    const percent = percentage(arrived, size);
    this.part("unfinished-text").textContent = fill(this.#words.unfinished, { name, percent });
    this.part("unfinished-link").href = url;
    this.part("unfinished").hidden = false;
  }

  /** Show one face: "ask", "work" or "failed". */
  face(name) {
    for (const face of ["ask", "work", "failed"]) this.part(face).hidden = face !== name;
    this.#speed = speedometer();
    this.#halted(false);
    this.part("halts").hidden = false;
  }

  /** From here on it is about to end: nothing can be halted any more. */
  ending() {
    this.part("halts").hidden = true;
  }

  /** A sentence at its field, or above the buttons when it belongs to none. */
  complain({ message, field }) {
    const input = field && this.#form.querySelector(`#${field}`);
    if (!input) {
      this.part("failure").textContent = message;
      this.face("failed");
      this.part("retry").focus();
      return;
    }
    this.face("ask");
    const place = this.#form.querySelector(`#${field}-error`);
    place.textContent = message;
    place.hidden = false;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  forgive() {
    for (const place of this.#form.querySelectorAll(".field-error")) place.hidden = true;
    for (const input of this.#form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }

  /** A stage without bytes to count. */
  stage(sentence) {
    this.part("bar").removeAttribute("value");
    this.#tell(sentence);
  }

  /** Nothing moves at the moment; the bar stays where it is. */
  still(sentence) {
    this.#speed = speedometer();
    this.#tell(sentence);
  }

  /** Halted by the customer. @param {number} done bytes @param {number} total bytes */
  paused(done, total) {
    this.still(fill(this.#words.paused, { percent: percentage(done, total), done: bytes(done), total: bytes(total) }));
    this.#halted(true);
    this.part("resume").focus();
  }

  /** @param {string} sentence with {percent} {done} {total} {speed} {left} */
  moving(sentence, done, total) {
    const percent = percentage(done, total);
    const speed = this.#speed(done);
    const left = speed > 0 ? duration((total - done) / speed) : "…";
    const words = fill(sentence, { percent, done: bytes(done), total: bytes(total), speed: bytes(speed), left });
    this.part("bar").value = percent;
    this.part("text").textContent = words;
    if (percent >= 25) this.#say(fill(this.#words.spoken, { percent: percent - (percent % 25) }));
  }

  #halted(halted) {
    this.part("pause").hidden = halted;
    this.part("resume").hidden = !halted;
  }

  #tell(sentence) {
    this.part("text").textContent = sentence;
    this.#say(sentence);
  }

  /** Spoken only when it is new: a screen reader must not be flooded. */
  #say(sentence) {
    if (sentence !== this.#lastSaid) this.part("spoken").textContent = this.#lastSaid = sentence;
  }
}

const percentage = (done, total) => Math.floor((done / total) * 100);
