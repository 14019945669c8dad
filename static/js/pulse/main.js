// The charts of the pulse can be read slot by slot, and a span of one leads to the list.

import { Cursor } from "./cursor.js";
import { handle } from "./hands.js";
import { showMinutes } from "./minutes.js";
import { Slots } from "./slots.js";
import { Span } from "./span.js";

showMinutes();
const charts = [...document.querySelectorAll("[data-plot]")].map((figure) => {
  const over = figure.querySelector("[data-over]");
  const slots = new Slots(figure);
  const cursor = new Cursor(slots, over);
  const span = new Span(slots, figure);
  over.hidden = false;
  handle(slots, cursor, span, over);
  return { cursor, span };
});

function follow() {
  showMinutes();
  for (const { cursor, span } of charts) {
    cursor.follow();
    span.show();
  }
}

document.addEventListener("live:frame", follow);
document.addEventListener("zone:change", follow);
addEventListener("resize", follow);
