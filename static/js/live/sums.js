// Says to screen readers, now and then and in one sentence, how many tasks of this list have ended: failures first. Silent while none did.

const PAUSE = 5_000; // ms from the first that ended to the sentence
const ENDS = ["failed", "interrupted", "completed", "cancelled"];
const place = document.querySelector("[data-sums]");
const lists = new Intl.ListFormat(document.documentElement.lang, { type: "unit" });
const chosen = [...document.querySelectorAll(".ledger li[data-status]:has([aria-current])")].map((entry) => entry.dataset.status);
const heard = ENDS.filter((status) => !chosen.length || chosen.includes(status));
const chip = (status) => document.querySelector(`[data-count-of="${status}"]`)?.closest("[data-count]");

let known = Object.fromEntries(heard.map((status) => [status, Number(chip(status)?.dataset.count ?? 0)]));
let epoch = document.body.dataset.epoch;
let ended = {};
let timer = 0;

// What is deleted makes a count smaller: that is no end.
function take({ detail: frame }) {
  if (!frame.counters) return;
  const anew = frame.epoch !== epoch; // another process begins to count anew
  epoch = frame.epoch;
  for (const status of heard) {
    const count = frame.counters[status] ?? 0;
    if (!anew && count > known[status]) ended[status] = (ended[status] ?? 0) + count - known[status];
    known[status] = count;
  }
  if (!timer && Object.keys(ended).length) timer = setTimeout(tell, PAUSE);
}

function tell() {
  const sums = heard.filter((status) => ended[status]);
  const said = sums.map((status) => place.dataset[status].replace("{}", ended[status].toLocaleString(document.documentElement.lang)));
  place.textContent = lists.format(said);
  ended = {};
  timer = 0;
}

if (place) document.addEventListener("live:frame", take);
