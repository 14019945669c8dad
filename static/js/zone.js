// The zone that times are shown in: the reader's own, or UTC. The switch is kept in this browser; `zone:change` tells the page.

const PLACE = "iotask-zone";
const root = document.documentElement;

function kept() {
  try {
    return localStorage.getItem(PLACE) === "utc" ? "utc" : "local";
  } catch {
    return "local"; // storage is shut
  }
}

let zone = kept();

export const isUtc = () => zone === "utc";
export const options = () => (isUtc() ? { timeZone: "UTC" } : {});

// How far the reader's clock is ahead of UTC, `+02:00`; empty where UTC is shown.
export function offset(moment = new Date()) {
  const minutes = -moment.getTimezoneOffset();
  if (isUtc() || !minutes) return "";
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

function show() {
  root.dataset.zone = zone;
  for (const button of document.querySelectorAll("[data-zone-switch] button")) {
    if (button.value === zone) button.setAttribute("aria-pressed", "true");
    else button.setAttribute("aria-pressed", "false");
  }
}

function change(to) {
  zone = to;
  show();
  document.dispatchEvent(new CustomEvent("zone:change"));
}

addEventListener("click", (event) => {
  const button = event.target.closest("[data-zone-switch] button");
  if (!button) return;
  try {
    localStorage.setItem(PLACE, button.value);
  } catch {
    // it holds for this page then
  }
  change(button.value);
});
addEventListener("storage", (event) => event.key === PLACE && change(kept())); // another tab switched
show();
