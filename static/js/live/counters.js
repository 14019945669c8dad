// What a frame says beside rows: counts on the status chips, busy slots, which part of the list this is, the notice for all.

// `more` are those of which not all tasks were looked at, `note` says so.
export function count(counters, more = [], note = "") {
  for (const [status, number] of Object.entries(counters ?? {})) {
    for (const place of document.querySelectorAll(`[data-count-of="${status}"]`)) {
      const text = number.toLocaleString(document.documentElement.lang) + (more.includes(status) ? "+" : "");
      if (place.textContent !== text) place.textContent = text;
      const chip = place.closest("[data-count]");
      chip?.setAttribute("data-count", number);
      chip?.toggleAttribute("data-more", more.includes(status));
    }
  }
  const place = document.querySelector("[data-tally]");
  if (!counters || !place || place.textContent === note) return;
  place.textContent = note;
  place.hidden = !note;
}

// The counts of the views at the left: of all tasks, whatever the page shows.
export function countViews(totals) {
  for (const [name, number] of Object.entries(totals ?? {})) {
    const text = number.toLocaleString(document.documentElement.lang);
    for (const place of document.querySelectorAll(`[data-total-of="${name}"]`)) if (place.textContent !== text) place.textContent = text;
  }
}

export function fillSlots(busy) {
  const words = document.querySelector("[data-slots-words]");
  const meter = document.querySelector(".slots meter");
  if (busy === undefined || !words || !meter || meter.value === busy) return;
  const number = (value) => value.toLocaleString(document.documentElement.lang);
  meter.value = busy;
  words.textContent = words.dataset.slotsWords.replace("{busy}", number(busy)).replace("{all}", number(meter.max));
}

export function tellRange(range) {
  const place = document.querySelector("[data-range]");
  if (place && range !== undefined && place.textContent !== range) place.textContent = range;
}

let lasting = ""; // a restart is over when it is noticed: its notice stays

export function notify(notice, restarted) {
  const place = document.querySelector("[data-notice]");
  const { restarted: words, lost: counted } = document.body.dataset;
  if (restarted) lasting = restarted.lost > 0 && counted ? counted.replace("{}", restarted.lost.toLocaleString(document.documentElement.lang)) : words;
  const text = notice?.text || lasting;
  for (const said of document.querySelectorAll("[data-said]")) said.remove(); // it was so when the page was made
  if (!place || place.textContent === text) return;
  place.textContent = text;
  place.hidden = !text;
}
