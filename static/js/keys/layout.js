// Which key was meant, whatever the layout: on a Russian keyboard the key that is j elsewhere types о. Caps Lock is no Shift.

const SIGNS = { Slash: "/?", Period: ".>" };

export function keyOf(event) {
  const { key, code, shiftKey } = event;
  if (key.length > 1) return key; // Enter, Escape
  const elsewhere = /[^\x20-\x7e]/.test(key) || (code === "Slash" && (key === "." || key === ",")); // ЙЦУКЕН has its point there
  const sign = elsewhere ? (/^Key([A-Z])$/.exec(code)?.[1] ?? SIGNS[code]?.[Number(shiftKey)] ?? key) : key;
  return /^[a-z]$/i.test(sign) ? (shiftKey ? sign.toUpperCase() : sign.toLowerCase()) : sign;
}

const TYPED = "textarea, select, [contenteditable=''], [contenteditable=true], input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=range])";

// A form that lies over the page is typed in as a whole.
export const isTyping = (event) =>
  event.isComposing || Boolean(event.target.closest?.(TYPED)) || document.querySelector("dialog.panel[open]") !== null;
