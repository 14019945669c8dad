// One menu at a time: it closes when the reader goes elsewhere, chooses, or presses Escape.
function others(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}

addEventListener("click", (event) => {
  const inside = event.target.closest("details.menu");
  others(event.target.closest(".menu-items") ? null : inside);
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.activeElement?.closest("details.menu[open]")?.querySelector("summary").focus();
  others(null);
});
