// What has the focus may go when a page follows the server. Then the focus stands beside it, not at the page's beginning.

const STOPS = "a[href], button:not([disabled]), summary, input:not([disabled]):not([type=hidden])";

const isLost = () => !document.activeElement || document.activeElement === document.body;

export function keepFocus(element, change, beside = () => null) {
  const had = element.contains(document.activeElement) && document.activeElement !== document.body;
  change();
  if (!had || !isLost()) return;
  const next = stopIn(element) ?? stopIn(beside()) ?? main();
  next?.focus({ preventScroll: true });
}

function stopIn(element) {
  return element?.isConnected ? [...element.querySelectorAll(STOPS)].find((stop) => stop.checkVisibility()) : null;
}

function main() {
  const found = document.getElementById("main");
  if (found) found.tabIndex = -1;
  return found;
}
