// Times of day under and beside charts, in the zone that is chosen; their tooltips keep date and UTC.

import { options } from "../zone.js";

export function showMinutes() {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short", hourCycle: "h23", ...options() });
  for (const time of document.querySelectorAll("time[data-minute]")) {
    const text = format.format(time.dataset.minute * 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}
