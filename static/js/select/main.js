// Selecting rows: the head of the list becomes a bar of actions, the order is held, and the selection survives whatever the rows do.

import { Bar } from "./bar.js";
import { Boxes } from "./boxes.js";
import { Selection } from "./selection.js";

const list = document.querySelector(".list:has(.actions)");
const form = document.getElementById("bulk");

function begin() {
  const selection = new Selection();
  const boxes = new Boxes(list, selection);
  const bar = new Bar(list.querySelector(".actions"), form, selection);
  const clear = list.querySelector("[data-clear]");
  let sent = false;

  function show() {
    boxes.show();
    bar.show(boxes.rows, boxes.whole);
    const selected = selection.everything || selection.count > 0;
    const moves = !selected && list.querySelector(".actions").contains(document.activeElement);
    list.toggleAttribute("data-selected", selected);
    clear.checked = true;
    if (moves) boxes.page.focus(); // the bar is gone, and the focus must be somewhere
    else if (selected && document.activeElement === boxes.page) clear.focus(); // the head is under the bar
    document.dispatchEvent(new CustomEvent("selection", { detail: { count: selection.everything ? Infinity : selection.count } }));
  }

  selection.changed = () => {
    selection.keep();
    show();
  };
  clear.addEventListener("change", () => selection.clear());
  list.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && list.hasAttribute("data-selected") && !list.querySelector("details.menu[open]")) selection.clear();
  });
  document.addEventListener("live:frame", (event) => {
    bar.follow(event.detail.counters);
    if (!list.hasAttribute("data-selected")) return;
    for (const row of boxes.rows) selection.renew(row);
    boxes.show();
    bar.show(boxes.rows, boxes.whole);
  });
  form.addEventListener("submit", () => { sent = true; });
  for (const wrong of ["htmx:error", "htmx:response:error"]) document.addEventListener(wrong, () => { sent = false; });
  document.addEventListener("htmx:after:swap", () => {
    if (sent) selection.clear(); // it was done; what was not, is told
    sent = false;
  });
  show();
}

if (list && form) begin();
