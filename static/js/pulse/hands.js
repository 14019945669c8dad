// Pointer and keys over one chart: they move the cursor and choose a span.

const DRAG = 4; // px: less is a click

export function handle(slots, cursor, span, over) {
  const range = over.querySelector("input");
  let began = null; // where the pointer went down: its row and its x
  let anchor = null; // where Shift was held first

  const rowAt = (event) => {
    const rows = slots.rows;
    const share = (event.clientX - over.getBoundingClientRect().left) / over.clientWidth;
    return rows[Math.max(0, Math.min(rows.length - 1, Math.floor(share * rows.length)))];
  };
  const leave = () => began || range.matches(":focus-visible") || cursor.show(null);

  over.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    began = { row: rowAt(event), x: event.clientX };
    over.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true, focusVisible: false });
    event.preventDefault();
  });
  over.addEventListener("pointermove", (event) => {
    const row = rowAt(event);
    if (began && Math.abs(event.clientX - began.x) > DRAG) span.choose(began.row, row);
    cursor.show(row);
  });
  over.addEventListener("pointerup", (event) => {
    if (began && Math.abs(event.clientX - began.x) <= DRAG) span.choose(null);
    began = null;
    cursor.show(rowAt(event));
  });
  over.addEventListener("pointercancel", () => ((began = null), leave()));
  over.addEventListener("pointerleave", leave);

  range.addEventListener("focus", () => cursor.at === null && cursor.show(slots.rows.at(-1)));
  range.addEventListener("blur", () => ((anchor = null), cursor.show(null)));
  range.addEventListener("keydown", (event) => {
    const rows = slots.rows;
    const here = rows.findIndex((row) => row.dataset.from === cursor.at);
    const there = target(event.key, here < 0 ? rows.length - 1 : here, rows.length);
    if (there !== null) {
      if (event.shiftKey) anchor ??= rows[Math.max(0, here)].dataset.from;
      else anchor = null;
      cursor.show(rows[there]);
      if (event.shiftKey) span.choose(rows.find((row) => row.dataset.from === anchor) ?? rows[0], rows[there]);
    } else if (event.key === "Enter") follow(rows[here]);
    else if (event.key === "Escape") span.choose((anchor = null));
    else return;
    event.preventDefault();
  });

  function follow(row) {
    if (span.ends) span.open();
    else row?.querySelector("a").click();
  }
}

// The slot that a key leads to; null for a key that leads nowhere.
function target(key, here, count) {
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -count, End: count };
  return key in steps ? Math.max(0, Math.min(count - 1, here + steps[key])) : null;
}
