// What every page needs: htmx for live parts, time left, copy and print buttons.
import htmx from "htmx.org";

Object.assign(htmx.config, {
  allowEval: false, // the Content-Security-Policy forbids it
  allowScriptTags: false,
  includeIndicatorStyles: false,
  attributesToSettle: [], // copying an old element's style would be an inline style
  selfRequestsOnly: true,
  historyCacheSize: 0, // pages hold other people's orders: nothing is left in the browser
});

const offline = document.getElementById("offline");
document.addEventListener("htmx:sendError", () => (offline.hidden = false));
document.addEventListener("htmx:afterOnLoad", () => (offline.hidden = true));

/** Writes the time left beside every deadline; its words come with the element. */
function countDown() {
  for (const element of document.querySelectorAll("[data-deadline]")) {
    const minutes = Math.floor((Date.parse(element.dataset.deadline) - Date.now()) / 60_000);
    const parts = { d: Math.floor(minutes / 1440), h: Math.floor(minutes / 60), m: minutes };
    let words = element.dataset.minutes;
    if (minutes < 0) words = element.dataset.over;
    else if (parts.d > 0) [words, parts.h] = [element.dataset.days, parts.h % 24];
    else if (parts.h > 0) [words, parts.m] = [element.dataset.hours, minutes % 60];
    element.textContent = words.replace(/\{(\w)\}/g, (_, key) => parts[key]);
  }
}

/** Buttons that need JavaScript are hidden without it. */
function reveal() {
  for (const part of document.querySelectorAll("[data-print], [data-tick-all]")) part.hidden = false;
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async ({ target }) => {
  if (target.closest("[data-print]")) window.print();
  const copy = target.closest("[data-copy]");
  if (!copy) return;
  await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent);
  copy.removeAttribute("aria-label");
  copy.textContent = copy.dataset.copied;
});

document.addEventListener("change", ({ target }) => {
  if (!target.closest("[data-tick-all]")) return;
  for (const box of target.form.querySelectorAll("input[type=checkbox]")) box.checked = target.checked;
});

function refresh() {
  reveal();
  countDown();
}
refresh();
setInterval(countDown, 15_000);
document.addEventListener("htmx:afterSettle", refresh);
