// The search box: completion after the ARIA combobox pattern. Arrows choose, Tab takes, Escape closes, Enter searches, or takes what the
// arrows chose. Without this script it is a plain form.

import { parse } from "../live/patch.js";
import { offset } from "../zone.js";
import { Ask } from "./ask.js";
import { search, unchip } from "./chips.js";
import { taken, wordAt } from "./word.js";

const form = document.querySelector("form.search[data-completion]");
const input = form?.querySelector("[role=combobox]");
const panel = form?.querySelector(".completion");
const lists = panel?.querySelector(".lists");
const hints = panel?.querySelector(".hints");
const said = form?.querySelector("[data-completion-said]");
const key = form?.querySelector("kbd[data-open]");
const ask = form && new Ask(form.dataset.completion, show);
let chosen = false; // by an arrow, and not only because it stands first

const isOpen = () => !lists.hidden;
const options = () => [...lists.querySelectorAll("[role=option]")].filter((option) => !option.closest("ul").hidden);
const active = () => lists.querySelector("[aria-selected=true]");

function open(shown) {
  lists.hidden = hints.hidden = !shown;
  panel.hidden = !shown;
  input.setAttribute("aria-expanded", String(shown));
  key.textContent = shown ? key.dataset.open : input.dataset.key;
  if (!shown) input.removeAttribute("aria-activedescendant");
}

function close() {
  ask.forget();
  chosen = false;
  open(false);
}

// An answer may come late: what an arrow chose meanwhile stays chosen, if it is still proposed.
function show(html) {
  const kept = chosen ? active()?.dataset.take : undefined;
  lists.replaceChildren(...parse(html).children);
  const sum = lists.querySelector("[data-said]");
  sum?.remove();
  const found = options();
  if (!found.length || document.activeElement !== input) return close();
  said.textContent = sum?.textContent ?? "";
  const again = found.find((option) => option.dataset.take === kept);
  chosen = again !== undefined;
  open(true);
  choose(again ?? found[0]);
}

function choose(option) {
  for (const other of lists.querySelectorAll("[aria-selected=true]")) other.setAttribute("aria-selected", "false");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", option.id);
  const name = option.dataset.take.replace(/^-/, "").split(":")[0];
  if (option.closest("[data-values-of]")) return;
  for (const list of lists.querySelectorAll("[data-values-of]")) list.hidden = list.dataset.valuesOf !== name;
}

function step(by) {
  const found = options();
  chosen = true;
  choose(found[(found.indexOf(active()) + by + found.length) % found.length]);
}

function take(option) {
  const { value, caret } = taken(input.value, input.selectionStart, option.dataset.take);
  input.value = value;
  input.setSelectionRange(caret, caret);
  input.focus();
  close();
  if (!value.slice(0, caret).endsWith(" ")) complete();
}

function complete() {
  const word = wordAt(input.value, input.selectionStart).text;
  const params = new URLSearchParams([...new FormData(form)].filter(([name]) => name !== "q"));
  params.set("word", word);
  params.set("zone", offset());
  ask.for(params);
}

function pressed(event) {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const { key: pressedKey } = event;
  if (pressedKey === "Escape" && isOpen()) close();
  else if (pressedKey === "Escape") input.blur();
  else if (pressedKey === "ArrowDown" && !isOpen()) complete();
  else if (pressedKey === "ArrowDown" || (pressedKey === "ArrowUp" && isOpen())) step(pressedKey === "ArrowDown" ? 1 : -1);
  else if (isOpen() && active() && ((pressedKey === "Tab" && !event.shiftKey) || (pressedKey === "Enter" && chosen))) take(active());
  else if (!(pressedKey === "Backspace" && input.selectionStart === 0 && input.selectionEnd === 0 && unchip(form, input))) return;
  event.preventDefault();
  event.stopPropagation();
}

if (form) {
  input.addEventListener("input", () => (wordAt(input.value, input.selectionStart).text ? complete() : close()));
  input.addEventListener("keydown", pressed);
  input.addEventListener("blur", close);
  lists.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
  lists.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  form.addEventListener("submit", search);
  if (location.hash === "#search") input.focus();
  addEventListener("pageshow", (event) => event.persisted && close()); // who comes back finds it as it was left, but for the proposals
  if (document.activeElement === input && wordAt(input.value, input.selectionStart).text) complete(); // typed before this script came
}
