// Days and times that are typed are the reader's own, or UTC, as the switch says. Backspace takes the last chip back to be written on.

import { unchip } from "../search/chips.js";
import { offset } from "../zone.js";

const form = document.querySelector("form[data-activity-search]");

if (form) {
  const input = form.elements.q;
  form.addEventListener("submit", () => {
    form.elements.zone.value = offset();
    form.elements.zone.disabled = !form.elements.zone.value;
    input.disabled = !input.value.trim(); // nothing typed is nothing in the address
  });
  addEventListener("pageshow", () => { input.disabled = false; });
  input.addEventListener("keydown", (event) => {
    const begins = event.key === "Backspace" && input.selectionStart === 0 && input.selectionEnd === 0;
    if (begins && unchip(form, input)) event.preventDefault();
  });
}
