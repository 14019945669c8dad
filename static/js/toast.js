// A toast leaves by itself after ten seconds, unless the pointer or the focus rests on it. One that offers Undo counts its seconds down;
// when they are over there is nothing left to press.
const place = document.getElementById("said");
const STAYS = 10; // seconds

function leave(toast) {
  if (!toast.isConnected) return;
  if (toast.matches(":hover, :focus-within")) setTimeout(leave, 1000, toast);
  else toast.remove();
}

function begin(toast) {
  toast.dataset.seen = "";
  const left = Number(toast.dataset.left ?? STAYS);
  toast.style.setProperty("--left", left);
  if ("undo" in toast.dataset) countDown(toast, performance.now() + left * 1000);
  else setTimeout(leave, left * 1000, toast);
}

function countDown(toast, end) {
  const left = Math.ceil((end - performance.now()) / 1000);
  if (!toast.isConnected) return;
  if (left <= 0) return final(toast);
  const seconds = toast.querySelector("[data-seconds]");
  const text = seconds?.textContent.replace(/\d+/, left);
  if (seconds && seconds.textContent !== text) seconds.textContent = text;
  setTimeout(countDown, 250, toast, end);
}

// Whoever was about to press it reads that it is too late; nobody loses the focus to nowhere.
function final(toast) {
  const button = toast.querySelector("button");
  if (!toast.matches(":hover, :focus-within") || !button) return toast.remove();
  toast.querySelector("[data-seconds]")?.remove();
  toast.firstElementChild.textContent = toast.dataset.final ?? "";
  button.disabled = true;
  toast.tabIndex = -1;
  if (button === document.activeElement) toast.focus();
  button.remove();
  setTimeout(leave, 3000, toast);
}

// Who pressed Undo by keyboard is not thrown out of the page when the toast with the button makes room for the answer.
function keepFocus() {
  const main = document.getElementById("main");
  if (!within || !main || document.activeElement !== document.body) return;
  main.tabIndex = -1;
  main.focus({ preventScroll: true });
}

function look() {
  for (const toast of place.querySelectorAll(".toast:not([data-seen])")) begin(toast);
}

let within = false; // the focus was in a toast, and went nowhere else since
document.addEventListener("focusin", (event) => { within = place?.contains(event.target) ?? false; });

if (place) {
  new MutationObserver(() => { look(); keepFocus(); }).observe(place, { childList: true });
  look();
}
