// Launch forms open in a panel over the list, which goes on living under it. The address is the form's own: loaded again, it is the
// form's page. Escape, Back, the cross and a press beside the panel close it.

import { attend } from "../launch.js";
import "./types.js";

const LINKS = "a[data-key='n'], #main a[href*='/launch'], dialog.panel a[href*='/launch']";
const panel = document.createElement("dialog");
panel.className = "panel";
panel.setAttribute("aria-labelledby", "launch-title");
const body = panel.appendChild(document.createElement("div"));
const said = document.getElementById("said");
const list = location.href;
let opener = null; // has the focus again once the panel is closed

const plain = (event) => event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

async function styled(page) {
  const fresh = [...page.head.querySelectorAll("link[rel=stylesheet]")].filter(
    (link) => !document.head.querySelector(`link[href="${CSS.escape(link.getAttribute("href"))}"]`),
  );
  const come = (link) => new Promise((resolve) => ["load", "error"].forEach((name) => link.addEventListener(name, resolve)));
  const links = fresh.map((link) => document.importNode(link));
  const all = Promise.all(links.map(come));
  document.head.append(...links);
  await all;
}

async function fetched(url) {
  const answer = await fetch(url, { headers: { accept: "text/html" }, cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const sheet = answer.ok && !answer.redirected ? page.getElementById("sheet") : null;
  if (sheet) await styled(page);
  return sheet && document.importNode(sheet, true);
}

function show(sheet) {
  body.replaceChildren(sheet);
  htmx.process(body);
  if (!panel.open) {
    document.body.dataset.under = list; // what stands under the panel, for whoever asks for it anew
    panel.append(said); // what the server says is to be seen over the panel
    panel.showModal();
  }
  attend(body);
  body.querySelector("[aria-invalid=true], .field input, .field textarea, [data-filter-types], a")?.focus();
}

async function open(url, { first }) {
  let sheet = null;
  try {
    sheet = await fetched(url);
  } catch {
    // without an answer the browser itself says so, on the form's own page
  }
  if (!sheet) return location.assign(url);
  if (first) history.pushState({ panel: url }, "", url);
  else history.replaceState({ panel: url }, "", url);
  show(sheet);
}

document.addEventListener("click", (event) => {
  if (event.target === panel) return panel.close();
  if (event.target.closest?.("dialog.panel [data-close]")) {
    event.preventDefault();
    return panel.close();
  }
  const link = event.target.closest?.(LINKS);
  if (!link || !plain(event) || event.defaultPrevented || link.origin !== location.origin || !/\/launch(\/|$)/.test(link.pathname)) return;
  event.preventDefault();
  const menu = link.closest("details.menu");
  menu?.removeAttribute("open");
  if (!panel.open) opener = menu?.querySelector("summary") ?? link;
  open(link.href, { first: !panel.open });
});

panel.addEventListener("close", () => {
  delete document.body.dataset.under;
  document.body.append(said);
  body.replaceChildren();
  if (history.state?.panel) history.back();
});

addEventListener("popstate", (event) => {
  if (event.state?.panel) open(event.state.panel, { first: false });
  else {
    if (panel.open) panel.close();
    setTimeout(() => opener?.isConnected && opener.focus()); // going back takes the focus away
  }
});

document.body.append(panel);
