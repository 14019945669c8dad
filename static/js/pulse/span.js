// A span of a chart, chosen by dragging or with Shift and the arrow keys; it leads to the tasks of that time.

export class Span {
  #slots;
  #over;
  #shade;
  #said;
  #link;
  #ask;
  ends = null; // the beginnings of its first and its last chosen slot, in the order they were chosen

  constructor(slots, figure) {
    this.#slots = slots;
    this.#over = figure.querySelector("[data-over]");
    this.#shade = figure.querySelector("[data-zoom]");
    this.#said = figure.querySelector("[data-picked]");
    this.#link = this.#said.querySelector("a");
    this.#ask = figure.dataset.ask;
    this.#said.querySelector("[data-let-go]").addEventListener("click", () => this.choose(null));
  }

  // From one row to another, whichever comes first; null lets go.
  choose(from, until = from) {
    this.ends = from ? [from.dataset.from, until.dataset.from] : null;
    this.show();
  }

  // What is chosen stays chosen while the chart moves on; what has left it is cut off.
  show() {
    const rows = this.#slots.rows;
    const places = (this.ends ?? []).map((at) => rows.findIndex((row) => row.dataset.from === at));
    const [first, last] = [Math.max(0, Math.min(...places)), Math.max(...places)];
    const there = this.ends !== null && last >= 0;
    this.#shade.hidden = this.#said.hidden = !there;
    if (there) this.#draw(rows, first, last);
  }

  // The list of its tasks.
  open() {
    this.#link.click();
  }

  #draw(rows, first, last) {
    const slot = this.#over.clientWidth / rows.length;
    this.#shade.style.left = `${first * slot}px`;
    this.#shade.style.width = `${(last - first + 1) * slot}px`;
    this.#link.href = this.#ask.replace("{}", `${rows[first].dataset.from}..${rows[last].dataset.until}`);
    const end = rows[last + 1] ? this.#slots.moment(rows[last + 1]) : clock(rows[last]);
    const said = this.#link.dataset.leads.replace("{from}", this.#slots.moment(rows[first])).replace("{until}", end);
    if (this.#link.textContent !== said) this.#link.textContent = said;
  }
}

// The end of the newest slot has no row of its own: the chart's last mark says it.
function clock(row) {
  const marks = row.closest("figure").querySelectorAll(".x time");
  return marks[marks.length - 1].textContent;
}
