// A switch of a schedule moves when it is pressed; the next frame of the page says where it stands. A refusal puts it back.
// It also knows the reader's time zone, for the form that adds a schedule.

function flip(button) {
  button.setAttribute("aria-checked", button.getAttribute("aria-checked") === "true" ? "false" : "true");
}

let pressed = null;

addEventListener("click", (event) => {
  pressed = event.target.closest(".toggle-button");
  if (pressed) flip(pressed);
});
document.addEventListener("htmx:after:request", (event) => {
  const status = event.detail?.ctx?.response?.status ?? 0;
  if (pressed && (status === 0 || status >= 400)) flip(pressed);
  pressed = null;
});

for (const input of document.querySelectorAll("[data-own-zone]")) {
  input.value = new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
