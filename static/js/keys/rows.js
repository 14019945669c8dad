// Keys of the list: which row is meant, and what is done with it.

import { announce } from "../say.js";

const body = document.querySelector("table.tasks tbody");
let last = ""; // the row that had the focus last

const rows = () => [...(body?.querySelectorAll("tr[data-task]") ?? [])];
const link = (row) => row.querySelector(".what a");

body?.addEventListener("focusin", (event) => { last = event.target.closest("tr")?.id ?? last; });

export function current() {
  const row = document.activeElement?.closest("table.tasks tr[data-task]");
  if (row) return row;
  return document.activeElement === document.body ? rows().find((other) => other.id === last) : undefined;
}

export function move(by) {
  const found = rows();
  const here = found.indexOf(current());
  const row = found[here < 0 ? (by > 0 ? 0 : found.length - 1) : Math.min(Math.max(here + by, 0), found.length - 1)];
  if (!row) return false;
  link(row).focus();
  row.scrollIntoView({ block: "nearest" });
  return true;
}

// A range is taken as with the pointer: a click with Shift.
export function select(range) {
  const row = current();
  const check = row?.querySelector("input.check");
  if (!check) return false;
  check.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: range }));
  const words = check.checked ? body.dataset.selected : body.dataset.unselected;
  if (words) announce(words.replace("{}", row.dataset.number));
  return true;
}

// The row's own buttons, also those in its menu. The focus goes on to a row that stays.
const BUTTONS = {
  C: "[formaction$='/cancel'], [formaction$='/force']",
  R: "[formaction$='/retry']",
  D: "[formaction$='/delete']",
  r: "a[href*='/launch/']",
  w: "[data-watch]",
};

export function press(key) {
  const row = current();
  const button = row && BUTTONS[key] && row.querySelector(BUTTONS[key]);
  if (!button) return false;
  const all = rows();
  const here = all.indexOf(row);
  const next = key === "D" ? (all[here + 1] ?? all[here - 1]) : null;
  button.click();
  if (next) link(next).focus();
  return true;
}

export const linkOf = () => current() && link(current()).href;
