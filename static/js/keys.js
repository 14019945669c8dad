// Keys, while nothing is typed. What cannot be taken back easily takes Shift. They can be switched off on their sheet.

import { isTyping, keyOf } from "./keys/layout.js";
import { linkOf, move, press, select } from "./keys/rows.js";
import { toggle } from "./keys/sheet.js";
import { announce } from "./say.js";

const PLACE = "iotask-keys";
const PATIENCE = 1_500; // ms for the second key after g
let going = 0; // until then the next key is a place to go to

function areOn() {
  try {
    return localStorage.getItem(PLACE) !== "off";
  } catch {
    return true;
  }
}

const visible = (element) => element.checkVisibility() && !element.disabled;

// An element that names its key: a link, a button, the search box.
function act(key) {
  const found = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(visible);
  if (!found) return false;
  if (found.matches("input:not([type=checkbox])")) found.focus();
  else found.click();
  if (found.matches("[data-theme-switch]")) announce(found.getAttribute("aria-label"));
  return true;
}

function go(key) {
  const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
  going = 0;
  link?.click();
  return Boolean(link);
}

async function copy() {
  const link = linkOf();
  const words = document.querySelector("[data-copied-words]")?.dataset.copiedWords;
  if (!link || !navigator.clipboard) return;
  await navigator.clipboard.writeText(link);
  announce(words ?? "");
}

// Pages without a search box have one all the same: that of the list.
function search() {
  const list = document.querySelector("[data-go=t]");
  if (list) location.assign(`${list.href}#search`);
}

const MINE = {
  "/": search, "?": toggle, l: copy,
  j: () => move(1), k: () => move(-1), x: () => select(false), X: () => select(true),
};

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !areOn()) return;
  const key = keyOf(event);
  if (document.querySelector("dialog[open]") && key !== "?") return;
  if (performance.now() < going) {
    if (go(key)) event.preventDefault();
    return;
  }
  if (key === "g") going = performance.now() + PATIENCE;
  else if (act(key) || press(key) || (MINE[key] && MINE[key]() !== false)) event.preventDefault();
}

addEventListener("keydown", pressed);

// The switch on the sheet.
function showSwitch() {
  for (const box of document.querySelectorAll("[data-keys-switch]")) box.checked = areOn();
}
addEventListener("change", (event) => {
  if (!event.target.matches("[data-keys-switch]")) return;
  try {
    localStorage.setItem(PLACE, event.target.checked ? "on" : "off");
  } catch {
    showSwitch(); // storage is shut: they stay as they are
  }
});
addEventListener("keys:shown", showSwitch);
showSwitch();
