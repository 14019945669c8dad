// Brings one piece of the page to another's content without replacing it: focus, selection, open <details> and
// buttons whose request is under way stay as they are.

import { keepFocus } from "./focus.js";

const keep = new Set(["open", "class", "checked", "value", "disabled", "data-htmx-powered"]); // the reader's and htmx's
const parser = document.createElement("template");
const held = new Map(); // element -> html that waits until nothing in it is selected

export function parse(html) {
  parser.innerHTML = html;
  return parser.content;
}

export function fill(element, html) {
  const selection = getSelection();
  const selected = selection && !selection.isCollapsed && selection.containsNode(element, true);
  if (selected) held.set(element, html);
  else {
    held.delete(element);
    keepFocus(element, () => patchChildren(element, parse(html)), () => element.closest("tr"));
  }
}

function patch(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  const isMeasure = old.nodeName === "PROGRESS" || old.nodeName === "METER";
  for (const { name, value } of fresh.attributes) {
    if ((isMeasure || !keep.has(name)) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if ((isMeasure || !keep.has(name)) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  patchChildren(old, fresh);
}

// A child with an id is the same one wherever it stands: it is moved there, and what had its place makes room.
function patchChildren(old, fresh) {
  let here = old.firstChild;
  let there = fresh.firstChild;
  while (there) {
    const next = there.nextSibling;
    const known = there.id ? [...old.children].find((child) => child.id === there.id) : null;
    if (known && known !== here) {
      move(old, known, here);
      here = known;
    }
    if (!here || (here.id && here.id !== there.id)) old.insertBefore(there, here);
    else {
      const after = here.nextSibling;
      if (alike(here, there)) patch(here, there);
      else here.replaceWith(there);
      here = after;
    }
    there = next;
  }
  while (here) {
    const after = here.nextSibling;
    here.remove();
    here = after;
  }
}

function move(parent, child, before) {
  if (parent.moveBefore) parent.moveBefore(child, before); // keeps focus
  else parent.insertBefore(child, before);
}

// Buttons are replaced when they do something else; a link that leads elsewhere is another link.
function alike(a, b) {
  if (a.nodeName !== b.nodeName) return false;
  if (a.nodeType !== Node.ELEMENT_NODE) return true;
  return a.id === b.id && a.getAttribute("formaction") === b.getAttribute("formaction");
}

document.addEventListener("selectionchange", () => {
  if (!held.size || !getSelection()?.isCollapsed) return;
  const waiting = [...held];
  held.clear();
  for (const [element, html] of waiting) if (element.isConnected) fill(element, html);
});
