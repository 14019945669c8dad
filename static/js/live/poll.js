// Where no socket gets through, the page asks for itself: what it reads there becomes the same frames. No more often than every 2 s.

const OFTEN = 2_000; // ms from one answer to the next question
const SELDOM = 10_000; // for one of many pages of the same reader
const PATIENCE = 10_000;
const LOST = "reconnecting"; // nobody answers

export class Poll {
  going = false;
  #onFrame;
  #onState;
  #pause = OFTEN;
  #timer = 0;
  #held;

  // `held`: the rows whose order is to stay, as the socket would be asked for them.
  constructor(onFrame, onState, held) {
    this.#onFrame = onFrame;
    this.#onState = onState;
    this.#held = held;
  }

  // Whether the server answers; if it does, it is asked from now on.
  async start(seldom = false) {
    this.#pause = seldom ? SELDOM : OFTEN;
    this.going = true;
    return (await this.#ask()) !== LOST;
  }

  stop() {
    this.going = false;
    clearTimeout(this.#timer);
  }

  async #askOn() {
    if ((await this.#ask()) === LOST) this.#onState(LOST);
  }

  async #ask() {
    clearTimeout(this.#timer);
    const held = this.#held();
    const page = await answer(held);
    if (!this.going) return ""; // a socket has opened meanwhile
    if (typeof page === "string") {
      this.stop();
      if (page !== LOST) this.#onState(page);
      return page;
    }
    if (!held && this.#held()) return this.#ask(); // the pointer came meanwhile: what was asked for would move rows under it
    this.#onFrame(frameOf(page));
    if (!this.going) return ""; // what it shows is not there any more
    this.#onState(this.#pause === SELDOM ? "crowded" : "polling");
    this.#timer = setTimeout(() => this.#askOn(), this.#pause);
    return "";
  }
}

// The page as it is now, or the word for why there is none.
async function answer(held) {
  const url = new URL(document.body.dataset.under ?? location.href, location.href);
  if (held) url.searchParams.set("held", held);
  url.hash = "";
  const headers = { Accept: "text/html,application/xhtml+xml", "X-Poll": "1" };
  try {
    const got = await fetch(url, { headers, redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (got.type === "opaqueredirect" || got.status === 401 || got.status === 403) return "out";
    return got.ok || got.status === 404 ? new DOMParser().parseFromString(await got.text(), "text/html") : LOST;
  } catch {
    return LOST;
  }
}

function frameOf(page) {
  const { epoch, version } = page.body.dataset;
  const rows = [...page.querySelectorAll("table.tasks tbody tr[data-task]")];
  const parts = page.querySelector("main[data-task], main[data-board]");
  const notice = [...page.querySelectorAll("[data-said]")].map((said) => said.textContent.trim()).join(" ");
  return {
    ...{ epoch, version: Number(version), snapshot: true, notice: { text: notice } },
    ...(parts ? partsOf(parts) : { order: rows.map((row) => row.dataset.task), rows: Object.fromEntries(rows.map((row) => [row.dataset.task, row.outerHTML])) }),
    counters: countersOf(page),
    more: [...page.querySelectorAll("[data-more] [data-count-of]")].map((entry) => entry.dataset.countOf),
    tally: page.querySelector("[data-tally]")?.textContent,
    totals: totalsOf(page),
    new_count: Number(page.querySelector("[data-new]")?.dataset.new ?? 0),
    range: page.querySelector("[data-range]")?.textContent,
    busy: page.querySelector(".slots meter")?.value,
  };
}

function partsOf(main) {
  const slots = [...main.querySelectorAll("[data-slot]")].map((slot) => [slot.dataset.slot, slot.innerHTML]);
  const id = main.dataset.task ?? main.dataset.board;
  const lines = main.querySelector("ol.log");
  const log = { seq: Number(lines?.lastElementChild?.dataset.seq ?? 0), html: lines?.innerHTML ?? "", reset: true };
  return { order: [id], rows: { [id]: { ...Object.fromEntries(slots), ...(main.dataset.status && { "data-status": main.dataset.status }) } }, log };
}

function countersOf(page) {
  const entries = [...page.querySelectorAll("[data-count-of]")];
  return entries.length ? Object.fromEntries(entries.map((entry) => [entry.dataset.countOf, Number(entry.closest("[data-count]").dataset.count)])) : undefined;
}

function totalsOf(page) {
  const places = [...page.querySelectorAll("[data-total-of]")];
  return Object.fromEntries(places.map((place) => [place.dataset.totalOf, Number(place.textContent.replace(/\D/g, ""))]));
}
