// Jumps to a time in the log: `1:24`, `1:02:24` or `84` seconds since the attempt began. The first line at or after it is marked.

const list = document.querySelector("ol.log");
const box = document.getElementById("log-time");

function seconds(text) {
  const parts = text.trim().split(":");
  if (!parts.every((part) => /^\d{1,6}([.,]\d+)?$/.test(part)) || parts.length > 3) return null;
  return parts.reduce((sum, part) => 60 * sum + Number(part.replace(",", ".")), 0);
}

// Of the newest attempt that is shown, or of the one that was chosen.
function find(wanted) {
  const shown = [...list.querySelectorAll("li:not(.begins)")].filter((line) => line.checkVisibility());
  const last = shown.at(-1)?.dataset.attempt;
  const lines = shown.filter((line) => line.dataset.attempt === last);
  return lines.find((line) => seconds(line.querySelector("time").textContent) >= wanted) ?? lines.at(-1);
}

function jump() {
  const wanted = seconds(box.value);
  const wrong = box.value.trim() !== "" && wanted === null;
  if (wrong) box.setAttribute("aria-invalid", "true");
  else box.removeAttribute("aria-invalid");
  for (const line of list.querySelectorAll("[data-found]")) delete line.dataset.found;
  const found = wanted === null ? null : find(wanted);
  if (!found) return;
  found.dataset.found = "";
  list.scrollTop += found.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 3;
}

if (list && box) {
  box.addEventListener("change", jump);
  box.addEventListener("keydown", (event) => event.key === "Enter" && jump());
}
