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
    this.part("later").hidden = true;
    this.part("drop").hidden = false;
  }

  part(name) {
    return this.#form.querySelector(`[data-part="${name}"]`);
  }

  chosen(file) {
    this.part("chosen").textContent = file ? fill(this.#words.chosen, { name: file.name, size: bytes(file.size) }) : "";
  }

  /** Show one face: "ask", "work" or "failed". */
  face(name) {
    for (const face of ["ask", "work", "failed"]) this.part(face).hidden = face !== name;
    this.#speed = speedometer();
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
    this.part("text").textContent = sentence;
    this.#say(sentence);
  }

  /** @param {string} sentence with {percent} {done} {total} {speed} {left} */
  moving(sentence, done, total) {
    const percent = Math.floor((done / total) * 100);
    const speed = this.#speed(done);
    const left = speed > 0 ? duration((total - done) / speed) : "…";
    const words = fill(sentence, { percent, done: bytes(done), total: bytes(total), speed: bytes(speed), left });
    this.part("bar").value = percent;
    this.part("text").textContent = words;
    if (percent % 25 === 0) this.#say(fill(this.#words.spoken, { percent }));
  }

  #say(sentence) {
    if (sentence !== this.#lastSaid) this.part("spoken").textContent = this.#lastSaid = sentence;
  }
}
