// Keeps the status in the window's title true: it begins with the word that stands on the page.

const word = () => document.querySelector("[data-slot='status'] .status")?.textContent.trim() ?? "";
let shown = word();

document.addEventListener("live:frame", () => {
  const now = word();
  if (now === shown || !document.title.startsWith(shown)) return;
  document.title = now + document.title.slice(shown.length);
  shown = now;
});
