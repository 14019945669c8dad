// Shows only the lines of the log that have all the words of the box, and those of one attempt where one was chosen at its card.
// Levels are filtered by the style sheet alone.

const list = document.querySelector("ol.log");
const box = document.getElementById("log-words");
const none = document.querySelector(".none-fit");
const chip = document.querySelector(".log-of");
let attempt = "";

function filter() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const line of list.querySelectorAll("li:not(.begins)")) {
    const text = line.querySelector("q").textContent.toLowerCase();
    line.hidden = (attempt && line.dataset.attempt !== attempt) || !words.every((word) => text.includes(word));
  }
  const shown = [...list.querySelectorAll("li:not(.begins)")].filter((line) => line.checkVisibility());
  const attempts = new Set(shown.map((line) => line.dataset.attempt));
  for (const mark of list.querySelectorAll(".begins")) mark.hidden = !attempts.has(mark.dataset.attempt);
  none.hidden = !list.children.length || shown.length > 0;
}

function choose(number) {
  attempt = number;
  chip.hidden = !number;
  const said = chip.querySelector("[data-words]");
  said.firstElementChild.textContent = said.dataset.words.replace("{}", number);
  filter();
}

if (list && box) {
  box.addEventListener("input", filter);
  list.closest("section").addEventListener("change", filter);
  list.addEventListener("log:grown", filter);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-attempt-log]");
    if (link) choose(link.dataset.attemptLog);
  });
  chip.querySelector("button").addEventListener("click", () => {
    choose("");
    box.focus();
  });
  filter();
}
