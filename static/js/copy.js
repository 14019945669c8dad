// Buttons with data-copy put the text of the element it names, or the page's own link, on the clipboard.
addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  await navigator.clipboard.writeText(source.href ?? source.value ?? source.textContent);
  const words = button.querySelector("[data-copied]");
  if (!words) return;
  const before = words.textContent;
  words.textContent = words.dataset.copied;
  setTimeout(() => { words.textContent = before; }, 2000);
});
