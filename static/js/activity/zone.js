// When something was done, in the zone that the reader chose. Days are headed in UTC: a time that falls on another day says so.

import { isUtc, options } from "../zone.js";

let clock, day;

function renew() {
  const lang = document.documentElement.lang;
  clock = new Intl.DateTimeFormat(lang, { ...options(), timeStyle: "medium", hourCycle: "h23" });
  day = new Intl.DateTimeFormat(lang, { ...options(), day: "numeric", month: "short" });
}

function said(time) {
  if (isUtc()) return time.dataset.deedTime;
  const at = new Date(time.dateTime);
  const local = new Date(at.getFullYear(), at.getMonth(), at.getDate()).toDateString();
  const headed = new Date(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()).toDateString();
  return local === headed ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
}

function show() {
  for (const time of document.querySelectorAll("time[data-deed-time]")) {
    const text = said(time);
    if (time.textContent !== text) time.textContent = text;
  }
}

renew();
show();
document.addEventListener("live:frame", show);
document.addEventListener("live:release", show, true);
document.addEventListener("zone:change", () => {
  renew();
  show();
});
