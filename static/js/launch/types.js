// Types are found by typing: of those beside the box only the ones that hold all its words are shown.

const fits = (text, words) => words.every((word) => text.includes(word));

document.addEventListener("input", (event) => {
  const box = event.target.closest?.("[data-filter-types]");
  if (!box) return;
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = document.querySelectorAll(`${box.dataset.filterTypes} > *`);
  for (const one of all) one.hidden = !fits(one.textContent.toLowerCase(), words);
});

document.addEventListener("keydown", (event) => {
  const box = event.target.closest?.("[data-filter-types]");
  if (!box || event.key !== "Enter") return;
  const first = document.querySelector(`${box.dataset.filterTypes} > :not([hidden])`);
  const link = first?.closest("a") ?? first?.querySelector("a");
  if (!link) return;
  event.preventDefault();
  link.click();
});
