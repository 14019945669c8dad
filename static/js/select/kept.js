// The selection goes along from page to page of one list, in this tab alone: another filter, or another process of the server, begins anew.

import { filterOf } from "../views/kept.js";

const PLACE = "iotask-selection";
const list = () => `${document.body.dataset.epoch} ${filterOf(location.search)}`;
const known = (entry) => Array.isArray(entry) && typeof entry[0] === "string" && Array.isArray(entry[1]);

// What was selected on other pages of this list: `[id, what can be done with it]` each, and whether all that match were.
export function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(PLACE));
    if (found?.list !== list() || !Array.isArray(found.tasks)) throw new Error("of another list");
    return { tasks: found.tasks.filter(known), everything: found.everything === true };
  } catch {
    return { tasks: [], everything: false }; // nothing, of another list, or storage is shut
  }
}

export function keep(tasks, everything) {
  try {
    if (tasks.length || everything) sessionStorage.setItem(PLACE, JSON.stringify({ list: list(), tasks, everything }));
    else sessionStorage.removeItem(PLACE);
  } catch {
    // storage is shut: it lasts as long as this page
  }
}
