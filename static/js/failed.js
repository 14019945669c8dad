// A request that got no answer, or a broken one, is said: what was asked may not have happened.
const place = document.getElementById("said");

function say(words) {
  if (!place || !words) return;
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.dataset.bad = "";
  toast.setAttribute("role", "alert");
  toast.textContent = words;
  for (const other of place.querySelectorAll(".toast:not([data-undo])")) other.remove(); // what can be undone still can
  place.prepend(toast);
}

document.addEventListener("htmx:error", (event) => event.detail.ctx && say(place?.dataset.unanswered));
document.addEventListener("htmx:response:error", (event) => {
  const status = event.detail.ctx?.response?.raw?.status ?? event.detail.ctx?.response?.status;
  if ([400, 403, 413].includes(status)) say(place?.dataset.refused); // whole pages: not for a corner of this one
  else if (status >= 500 && status !== 503) say(place?.dataset.broken); // a 503 brings its own sentence
});
