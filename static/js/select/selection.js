// Which tasks are selected, whether their rows are shown or not; `everything` stands for all that match the filter.

import { keep, kept } from "./kept.js";

const MOST = 900; // the server takes no more than 1,000 by id, nor fields in a form

export class Selection {
  #tasks = new Map(); // id -> what can be done with it, as a list of words
  everything = false;
  changed = () => {};

  constructor() {
    const { tasks, everything } = kept();
    this.#tasks = new Map(tasks.slice(0, MOST));
    this.everything = everything;
  }

  // For the next page of this list.
  keep() {
    keep([...this.#tasks], this.everything);
  }

  // What was selected is acted on: whoever comes to the list anew finds nothing selected.
  forget() {
    keep([], false);
  }

  has(id) {
    return this.everything || this.#tasks.has(id);
  }

  get ids() {
    return [...this.#tasks.keys()];
  }

  get count() {
    return this.#tasks.size;
  }

  // How many of them an action is for.
  able(action) {
    return [...this.#tasks.values()].filter((can) => can.includes(action)).length;
  }

  set(rows, selected) {
    for (const row of rows) {
      if (!selected) this.#tasks.delete(row.dataset.task);
      else if (this.#tasks.size < MOST) this.#tasks.set(row.dataset.task, row.dataset.can.split(" "));
    }
    this.everything = false;
    this.changed();
  }

  // A row was brought to the present: what can be done with its task may be something else now.
  renew(row) {
    if (this.#tasks.has(row.dataset.task)) this.#tasks.set(row.dataset.task, row.dataset.can.split(" "));
  }

  clear() {
    this.#tasks.clear();
    this.everything = false;
    this.changed();
  }
}
