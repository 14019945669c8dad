// The saved views in the rail: which one this page is, the reader's own, saving, renaming, removing with undo. A view is a link, and can be
// shared as one.

import { say, undoable } from "../say.js";
import { count, keepCounting } from "./counts.js";
import { changedElsewhere, filterOf, keep, kept, MOST } from "./kept.js";

const section = document.getElementById("views");
const own = section?.querySelector("[data-own-views]");
const form = section?.querySelector(".view-form");
const opener = section?.querySelector("[data-save-view]");
const home = section?.querySelector("ul a")?.pathname ?? "/";
let renamed = null; // the name of the view that gets another one

function mark() {
  const here = location.pathname === home ? filterOf(location.search) : null;
  for (const link of section.querySelectorAll("ul a")) {
    if (here !== null && filterOf(link.search) === here) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function item(view) {
  const found = section.querySelector("template[data-view]").content.cloneNode(true).firstElementChild;
  const link = found.querySelector("a");
  link.href = `${home}${view.query && `?${view.query}`}`;
  link.title = view.name;
  link.firstElementChild.textContent = view.name;
  link.firstElementChild.dir = "auto";
  for (const button of found.querySelectorAll("button")) {
    button.setAttribute("aria-label", button.getAttribute("aria-label").replace("{}", view.name));
    button.dataset.name = view.name;
  }
  return found;
}

function draw() {
  own.replaceChildren(...kept().map(item));
  mark();
  count(own);
}

function change(views, said) {
  if (!keep(views)) return say(own.dataset.shut, true);
  draw();
  if (said) say(said);
}

function openForm(name) {
  renamed = name;
  form.hidden = false;
  opener?.setAttribute("aria-expanded", "true");
  form.elements.name.value = name ?? "";
  form.elements.name.focus();
  form.elements.name.select();
}

function closeForm(focus) {
  form.hidden = true;
  opener?.setAttribute("aria-expanded", "false");
  focus?.focus();
}

function save(event) {
  event.preventDefault();
  const name = form.elements.name.value.trim();
  if (!name) return;
  const views = kept();
  const before = views.find((view) => view.name === renamed);
  const view = { name, query: before ? before.query : filterOf(location.search) };
  const rest = views.filter((other) => other.name !== name || other === before);
  if (!before && rest.length >= MOST) return say(own.dataset.full.replace("{}", MOST), true);
  change(before ? rest.map((other) => (other === before ? view : other)) : [...rest, view], own.dataset.saved.replace("{}", name));
  closeForm([...own.querySelectorAll("a")].find((link) => link.title === name));
}

function remove(name) {
  const before = kept();
  change(before.filter((view) => view.name !== name));
  undoable(own.dataset.removed.replace("{}", name), own.dataset.undo, () => change(before));
  (own.querySelector("a") ?? section.querySelector("a")).focus();
}

if (section) {
  draw();
  keepCounting(own);
  changedElsewhere(draw);
  section.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-save-view]")) form.hidden || renamed ? openForm(null) : closeForm(opener);
    else if (button.matches("[data-rename]")) openForm(button.dataset.name);
    else if (button.matches("[data-remove]")) remove(button.dataset.name);
    else if (button.matches("[data-cancel]")) closeForm(opener ?? section.querySelector("a"));
  });
  form.addEventListener("submit", save);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.preventDefault();
    closeForm(opener ?? section.querySelector("a"));
  });
}
