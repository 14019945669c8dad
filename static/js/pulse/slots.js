// The slots of a chart, read from the table that says the same: their moments, their figures, their links.

export class Slots {
  #table;

  constructor(figure) {
    this.#table = figure.querySelector("table");
  }

  // Rows from the oldest to the newest, as the chart draws them.
  get rows() {
    return [...this.#table.tBodies[0].rows].reverse();
  }

  // What a row says: [heading, text, class, status] of each column.
  figures(row) {
    const heads = [...this.#table.tHead.rows[0].cells].slice(1);
    const cells = [...row.cells].slice(1);
    return heads.map(({ textContent, dataset }, i) => [textContent, cells[i]?.textContent ?? "", dataset.look ?? "", dataset.status ?? ""]);
  }

  // When it began, as the table says it.
  moment(row) {
    return row.cells[0].textContent;
  }
}
