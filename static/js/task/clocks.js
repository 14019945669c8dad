// Lets the two large clocks go on between the frames that come from the server.

const main = document.querySelector("main[data-task]");
const skew = document.body.dataset.now ? Number(document.body.dataset.now) - Date.now() / 1000 : 0; // the server's clock counts, not this machine's

function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function show(clock, seconds) {
  const text = stopwatch(seconds);
  if (clock.firstChild?.data !== text) clock.textContent = text;
}

function tick() {
  if (main.dataset.gone !== undefined) return;
  const now = Date.now() / 1000 + skew;
  for (const clock of main.querySelectorAll("[data-clock-since]")) show(clock, now - clock.dataset.clockSince);
  for (const clock of main.querySelectorAll("[data-clock-until]")) show(clock, clock.dataset.clockUntil - now);
}

if (main) {
  tick();
  setInterval(tick, 250);
  document.addEventListener("live:frame", tick);
}
