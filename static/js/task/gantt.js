// Lets the last stretch of the timeline grow while it lasts: the drawing is laid out anew each second, to the scale the server uses.

const WIDTH = 1000;
const LEAST = 2;
const GAP = 1.6;
const main = document.querySelector("main[data-task]");
const skew = document.body.dataset.now ? Number(document.body.dataset.now) - Date.now() / 1000 : 0; // the server's clock counts, not this machine's

function grow() {
  const bars = [...main.querySelectorAll(".gantt rect")];
  const open = bars.find((bar) => bar.dataset.end === "");
  if (!open) return;
  const now = Math.max(Date.now() / 1000 + skew, Number(open.dataset.begin));
  const end = (bar) => (bar === open ? now : Math.max(now, Number(bar.dataset.end)));
  const ahead = bars.at(-1).dataset.kind === "ahead" ? bars.at(-1) : null;
  const begin = Number(bars[0].dataset.begin);
  const scale = WIDTH / Math.max(end(ahead ?? open) - begin, 1e-9);
  for (const bar of bars) {
    const from = bar === ahead ? now : Number(bar.dataset.begin);
    const to = bar === ahead || bar === open ? end(bar) : Number(bar.dataset.end);
    const width = Math.max(LEAST, (to - from) * scale - GAP);
    bar.setAttribute("x", Math.min((from - begin) * scale, WIDTH - width).toFixed(1));
    bar.setAttribute("width", width.toFixed(1));
  }
}

if (main) {
  grow();
  setInterval(grow, 1000);
  document.addEventListener("live:frame", grow);
}
