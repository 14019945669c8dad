// A line over a chart at one slot, and that slot's figures beside it: under the pointer, or where the arrow keys went.

export class Cursor {
  #slots;
  #over;
  #hand;
  #tip;
  #range;
  at = null; // the beginning of the slot it stands at: charts move on under it

  constructor(slots, over) {
    this.#slots = slots;
    this.#over = over;
    this.#hand = over.querySelector("[data-hand]");
    this.#tip = over.querySelector("[data-tip]");
    this.#range = over.querySelector("input");
  }

  // Stand at a row of the table, or nowhere.
  show(row) {
    this.at = row?.dataset.from ?? null;
    this.#hand.hidden = this.#tip.hidden = !row;
    if (!row) return;
    const rows = this.#slots.rows;
    const index = rows.indexOf(row);
    this.#say(row, index);
    this.#fill(row);
    this.#place(this.#over.clientWidth * ((index + 0.5) / rows.length));
  }

  // The chart moved on: stay with the slot, as long as it is there.
  follow() {
    if (this.at !== null) this.show(this.#slots.rows.find((row) => row.dataset.from === this.at));
  }

  #say(row, index) {
    const figures = this.#slots.figures(row).filter(([, text]) => text);
    this.#range.value = index;
    this.#range.setAttribute("aria-valuetext", [this.#slots.moment(row), ...figures.map(([head, text]) => `${head}: ${text}`)].join(", "));
  }

  #fill(row) {
    const head = document.createElement("b");
    head.textContent = this.#slots.moment(row);
    const lines = this.#slots.figures(row).filter(([, text]) => text && text !== "0");
    this.#tip.replaceChildren(head, ...lines.map(line));
  }

  #place(x) {
    this.#hand.style.left = `${x}px`;
    const right = x + 12 + this.#tip.offsetWidth > this.#over.clientWidth;
    this.#tip.style.left = `${Math.max(0, right ? x - 12 - this.#tip.offsetWidth : x + 12)}px`;
  }
}

function line([heading, text, look, status]) {
  const [row, name, sign, value] = ["div", "span", "i", "span"].map((tag) => document.createElement(tag));
  if (look) sign.className = look;
  if (status) sign.dataset.status = status;
  name.append(...(look ? [sign] : []), heading);
  value.textContent = text;
  row.append(name, value);
  return row;
}
