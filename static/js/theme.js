// The theme follows the system until the switch overrides it; the choice stays in this browser.
// Loaded in the head without defer, so that no page flashes in the wrong theme. It also says that scripts run.
(() => {
  const root = document.documentElement;
  const next = { "": "dark", dark: "light", light: "" };
  const order = ["", "light", "dark"];
  let theme = kept();

  function kept() {
    try {
      const found = localStorage.getItem("theme");
      return order.includes(found) ? found : "";
    } catch {
      return ""; // storage is shut: follow the system
    }
  }

  function keep() {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      return; // it holds for this page then
    }
  }

  function show() {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const said = button.dataset.themeWords.split("|")[order.indexOf(theme)];
      button.setAttribute("aria-label", said);
      button.title = said;
    }
  }

  root.classList.add("script");
  show();
  addEventListener("DOMContentLoaded", show);
  addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    theme = next[theme];
    keep();
    show();
  });
})();
