// The sheet of keys: the page of that name in a dialog over this one.

const opener = () => document.querySelector("a[data-keys-sheet]");
let sheet = null;

async function made(path) {
  const got = await fetch(path);
  const page = new DOMParser().parseFromString(await got.text(), "text/html");
  const content = page.querySelector("[data-sheet]");
  if (!content) throw new Error("no sheet");
  const style = page.querySelector("link[data-sheet-style]");
  if (style) document.head.append(document.importNode(style, true));
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-labelledby", "keys-head");
  dialog.append(document.importNode(content, true));
  dialog.addEventListener("click", (event) => (event.target === dialog || event.target.closest("[data-close]")) && dialog.close());
  dialog.querySelector("[data-close]").hidden = false;
  document.body.append(dialog);
  return dialog;
}

export async function toggle() {
  const link = opener();
  if (!link) return;
  try {
    sheet ??= await made(link.href);
  } catch {
    location.assign(link.href);
    return;
  }
  if (sheet.open) sheet.close();
  else sheet.showModal();
  sheet.dispatchEvent(new CustomEvent("keys:shown", { bubbles: true }));
}

addEventListener("click", (event) => {
  if (!event.target.closest("a[data-keys-sheet]") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  toggle();
});
