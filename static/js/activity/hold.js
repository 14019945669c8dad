// While the pointer or the focus is in the list of deeds, nothing in it moves: what comes is kept back and counted in a chip.

const list = document.querySelector("[data-hold]");
const body = list?.querySelector("tbody");
const chip = list?.querySelector(".fresh");
const LEAVE = 400; // ms: a pointer that crosses an edge has not left
let timer = 0;

const inside = () => list.matches(":hover") || (list.contains(document.activeElement) && document.activeElement !== chip);
const ids = (root) => [...root.querySelectorAll("tr.done")].map((row) => row.id);

function release() {
  clearTimeout(timer);
  chip.hidden = true;
  delete body.dataset.held;
  body.dispatchEvent(new CustomEvent("live:release"));
}

function hold() {
  clearTimeout(timer);
  body.dataset.held = "";
}

function count({ detail: html }) {
  const coming = document.createElement("template");
  coming.innerHTML = html;
  const here = new Set(ids(body));
  const fresh = ids(coming.content).filter((id) => !here.has(id)).length;
  chip.hidden = fresh === 0;
  chip.querySelector("[data-fresh-count]").textContent = fresh.toLocaleString(document.documentElement.lang);
}

const later = () => {
  clearTimeout(timer);
  timer = setTimeout(() => inside() || release(), LEAVE);
};

if (list) {
  list.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && hold());
  list.addEventListener("pointerleave", later);
  list.addEventListener("focusin", (event) => event.target !== chip && hold());
  list.addEventListener("focusout", later);
  chip.addEventListener("click", release);
  body.addEventListener("live:held", count);
}
