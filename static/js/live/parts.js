// Applies frames to a page of parts: its slots, and the log of a task line by line.

import { fill, parse } from "./patch.js";

const MAX_LINES = 200; // the server keeps no more either
const kept = new WeakMap();

export function applyParts(main, frame) {
  const slots = frame.rows?.[main.dataset.task ?? main.dataset.board] ?? {};
  for (const [name, html] of Object.entries(slots)) {
    if (name.startsWith("data-")) main.setAttribute(name, html);
    else for (const slot of main.querySelectorAll(`[data-slot="${name}"]`)) show(slot, html);
  }
  if (frame.log) appendLog(main.querySelector("ol.log"), frame.log);
}

// A slot that is held stays as it is until it is released; the newest word for it waits.
function show(slot, html) {
  if (slot.dataset.held === undefined) return fill(slot, html);
  kept.set(slot, html);
  slot.dispatchEvent(new CustomEvent("live:held", { detail: html }));
}

document.addEventListener(
  "live:release",
  ({ target }) => {
    if (kept.has(target)) fill(target, kept.get(target));
    kept.delete(target);
  },
  true,
);

function appendLog(list, log) {
  if (!list) return;
  const last = log.reset ? 0 : Number(list.lastElementChild?.dataset.seq ?? 0);
  const fresh = [...parse(log.html).children].filter((line) => Number(line.dataset.seq) > last);
  if (log.reset && same(list, fresh)) return;
  if (log.reset) list.replaceChildren();
  list.append(...fresh);
  shorten(list);
  if (fresh.length) list.dispatchEvent(new CustomEvent("log:grown", { bubbles: true }));
}

// The oldest lines go; of what says where an attempt begins stays what has lines of it behind it.
function shorten(list) {
  for (const line of [...list.querySelectorAll("li:not(.begins)")].slice(0, -MAX_LINES)) line.remove();
  for (const mark of list.querySelectorAll(".begins + .begins")) mark.previousElementSibling.remove();
}

function same(list, fresh) {
  return list.children.length === fresh.length && list.lastElementChild?.dataset.seq === fresh.at(-1)?.dataset.seq;
}
