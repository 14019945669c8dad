// Lets times move: since, until, ago, and the reader's own zone. What the server wrote stays true where no script runs.

import { options as zone } from "./zone.js";

const THIN = "\u202f";
const page = document.body.dataset;
const [S, M, H, D] = page.units.split("|");
const [JUST, MINUTES, HOURS, DAYS] = page.ago.split("|");
const OVER = page.over;
const skew = page.now ? Number(page.now) - Date.now() / 1000 : 0; // the server's clock counts, not this machine's
let zoned = formats();

function formats() {
  const lang = document.documentElement.lang;
  const short = new Intl.DateTimeFormat(lang, { ...zone(), dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  const whole = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return { short, whole: new Intl.DateTimeFormat(lang, { ...zone(), ...whole, hourCycle: "h23", timeZoneName: "short" }) };
}

const two = (number) => String(number).padStart(2, "0");
const count = (number) => number.toLocaleString(document.documentElement.lang);

function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [minutes, hours, days] = [Math.floor(whole / 60), Math.floor(whole / 3600), Math.floor(whole / 86_400)];
  if (whole < 60) return `${whole}${THIN}${S}`;
  if (whole < 3600) return `${minutes}${THIN}${M} ${two(whole % 60)}${THIN}${S}`;
  if (whole < 86_400) return `${hours}${THIN}${H} ${two(minutes % 60)}${THIN}${M}`;
  return `${count(days)}${THIN}${D} ${two(hours % 24)}${THIN}${H}`;
}

function guess(seconds, about) {
  if (seconds < 60) return duration(Math.ceil(Math.max(0, seconds)));
  if (seconds < 3600) return about.replace("{}", `${Math.round(seconds / 60)}${THIN}${M}`);
  return about.replace("{}", seconds < 86_400 ? duration(seconds) : `${count(Math.round(seconds / 86_400))}${THIN}${D}`);
}

function ago(seconds) {
  if (seconds < 60) return JUST;
  if (seconds < 3600) return MINUTES.replace("{}", Math.floor(seconds / 60));
  if (seconds < 86_400) return HOURS.replace("{}", Math.floor(seconds / 3600));
  return DAYS.replace("{}", count(Math.floor(seconds / 86_400)));
}

function said({ since, until, ago: past, at, about }, now) {
  if (since) return duration(now - since);
  if (until) return about ? guess(until - now, about) : duration(Math.ceil(until - now));
  if (past) return ago(now - past);
  return zoned.short.format(at * 1000);
}

// The text of an element changes in place: nothing is made anew four times a second.
function write(element, text) {
  if (element.childNodes.length === 1 && element.firstChild.nodeType === Node.TEXT_NODE) element.firstChild.data = text;
  else element.textContent = text;
}

function isSelected(element) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}

function tick() {
  const now = Date.now() / 1000 + skew;
  for (const time of document.querySelectorAll("time[data-words]")) {
    const over = time.dataset.about && time.dataset.until < now; // a guess that did not come true
    const text = over ? OVER : time.dataset.words.replace("{}", said(time.dataset, now));
    if (time.textContent !== text && !isSelected(time)) write(time, text);
  }
}

// The tooltip of a time is the moment itself, to the second, in the zone that is shown; made when somebody points at it.
addEventListener("pointerover", (event) => {
  const time = event.target.closest?.("time[datetime]");
  const at = time && Date.parse(time.dateTime);
  if (time && !Number.isNaN(at)) time.title = zoned.whole.format(at);
});

document.addEventListener("zone:change", () => {
  zoned = formats();
  tick();
});
tick();
setInterval(tick, 1000);
document.addEventListener("live:frame", tick);
document.addEventListener("htmx:after:swap", tick);
