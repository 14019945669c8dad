// Applies frames to the list: slots of rows, rows that came and went, their order. While the pointer holds the list, what goes leaves its place
// empty, so that no other row comes under the pointer instead.

import { keepFocus } from "./focus.js";
import { fill, parse } from "./patch.js";

export class Rows {
  #held = false;

  constructor(body) {
    this.body = body;
  }

  // The list may move again.
  close() {
    for (const place of this.body.querySelectorAll("tr.left")) place.remove();
  }

  apply(frame, held) {
    this.#held = held && this.body.matches(":hover");
    if (frame.snapshot) this.#replace(frame);
    else {
      for (const [id, slots] of Object.entries(frame.rows ?? {})) this.#update(this.#row(id), slots);
      if (frame.order) this.#arrange(frame.order, (id) => this.#row(id) ?? this.#make(frame.added?.[id]));
    }
  }

  // A snapshot tells all rows whole: those that are shown already are brought to it, slot by slot.
  #replace(frame) {
    const shown = (id) => {
      const fresh = this.#make(frame.rows[id]);
      const row = this.#row(id);
      if (row && fresh) this.#adopt(row, fresh);
      return row ?? fresh;
    };
    this.#arrange(frame.order, shown);
  }

  #adopt(row, fresh) {
    for (const { name, value } of fresh.attributes) if (name.startsWith("data-")) row.setAttribute(name, value);
    for (const slot of fresh.querySelectorAll("[data-slot]")) this.#fill(row, slot.dataset.slot, slot.innerHTML);
  }

  #update(row, slots) {
    if (!row) return;
    for (const [name, html] of Object.entries(slots)) {
      if (name.startsWith("data-")) row.setAttribute(name, html);
      else this.#fill(row, name, html);
    }
  }

  #fill(row, name, html) {
    const slot = row.querySelector(`[data-slot="${name}"]`);
    if (slot) fill(slot, html);
  }

  #arrange(order, find) {
    const wanted = order.map(find).filter(Boolean);
    const stay = new Set(wanted);
    for (const row of [...this.body.children]) if (!stay.has(row) && !row.matches(".left")) this.#remove(row);
    let here = this.body.firstElementChild;
    for (const row of wanted) {
      while (here?.matches(".left")) here = here.nextElementSibling;
      if (row === here) here = here.nextElementSibling;
      else if (row.isConnected && this.body.moveBefore) this.body.moveBefore(row, here); // keeps focus
      else this.body.insertBefore(row, here);
    }
  }

  #remove(row) {
    const beside = next(row, "nextElementSibling") ?? next(row, "previousElementSibling");
    const places = this.#held ? [this.#placeOf(row)] : [];
    keepFocus(row, () => row.replaceWith(...places), () => beside?.querySelector(".what"));
  }

  #placeOf(row) {
    const place = document.createElement("tr");
    place.className = "left";
    place.setAttribute("role", "row");
    place.style.height = `${row.getBoundingClientRect().height}px`;
    const cell = place.insertCell();
    cell.setAttribute("role", "cell");
    cell.textContent = this.body.dataset.left.replace("{}", row.dataset.number);
    return place;
  }

  #row(id) {
    return document.getElementById(`task-${id}`);
  }

  #make(html) {
    return html ? parse(html).querySelector("tr") : null;
  }
}

function next(row, way) {
  let found = row[way];
  while (found?.matches(".left")) found = found[way];
  return found;
}
