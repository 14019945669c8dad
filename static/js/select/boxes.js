// The tick boxes: one a row, ranges with Shift, one for the whole page. Rows that come back into the page are ticked as they were.

export class Boxes {
  #last = null; // the row that was ticked last, where a range begins

  constructor(list, selection) {
    this.body = list.querySelector("tbody");
    this.page = list.querySelector("[data-whole-page]");
    this.selection = selection;
    this.body.addEventListener("click", (event) => this.#clicked(event));
    this.body.addEventListener("mousedown", (event) => event.shiftKey && event.target.closest(".pick") && event.preventDefault()); // no text
    this.page.addEventListener("change", () => this.selection.set(this.rows, this.page.checked));
    const ticked = this.rows.filter((row) => box(row).checked); // what the browser has kept
    if (ticked.length) selection.set(ticked, true);
  }

  get rows() {
    return [...this.body.querySelectorAll("tr[data-task]")];
  }

  // Tick what is selected, and nothing else.
  show() {
    const rows = this.rows;
    for (const row of rows) {
      const selected = this.selection.has(row.dataset.task);
      if (box(row).checked !== selected) box(row).checked = selected;
    }
    const ticked = rows.filter((row) => box(row).checked).length;
    this.page.checked = ticked > 0 && ticked === rows.length;
    this.page.indeterminate = ticked > 0 && ticked < rows.length;
  }

  // All rows that are shown are selected.
  get whole() {
    const rows = this.rows;
    return rows.length > 0 && rows.every((row) => box(row).checked);
  }

  #clicked(event) {
    if (!event.target.matches(".pick input")) return;
    const row = event.target.closest("tr");
    const selected = event.target.checked;
    const rows = event.shiftKey && this.#last?.isConnected ? this.#between(this.#last, row) : [row];
    if (this.selection.everything) this.selection.set(this.rows, true); // from here on, these and no others
    this.selection.set(rows, selected);
    this.#last = row;
  }

  #between(one, other) {
    const rows = this.rows;
    const [first, last] = [rows.indexOf(one), rows.indexOf(other)].sort((a, b) => a - b);
    return rows.slice(first, last + 1);
  }
}

function box(row) {
  return row.querySelector(".pick input");
}
