// Shows times of day in the zone the reader chose; the tooltip has the date.

import { options } from "../zone.js";

function format() {
  return new Intl.DateTimeFormat(document.documentElement.lang, { ...options(), timeStyle: "medium", hourCycle: "h23" });
}

let zoned = format();

function show() {
  for (const time of document.querySelectorAll("[data-time]")) {
    const text = zoned.format(time.dataset.time * 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

show();
document.addEventListener("live:frame", show);
document.addEventListener("zone:change", () => {
  zoned = format();
  show();
});
