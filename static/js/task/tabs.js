// Marks the tab of the part that was chosen last, or is being read. The tabs are plain links into the page.

const MARGIN = 120; // px below the top of the window: what reaches up to there is being read
const tabs = document.querySelector("nav.tabs");
let chosen = location.hash.slice(1);
let quiet = 0; // until then the page moves by itself, to where a tab leads

function mark(anchor) {
  const links = [...tabs.querySelectorAll("a")];
  const found = links.find((link) => link.hash === `#${anchor}`) ?? links[0];
  for (const link of links) {
    if (link !== found) link.removeAttribute("aria-current");
    else if (!link.hasAttribute("aria-current")) link.setAttribute("aria-current", "true");
  }
}

function reading() {
  const parts = [...tabs.querySelectorAll("a")].map((link) => document.getElementById(link.hash.slice(1))).filter(Boolean);
  const above = parts.filter((part) => part.getBoundingClientRect().top < MARGIN);
  const last = above.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).at(-1);
  return last?.id ?? "";
}

if (tabs) {
  tabs.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    chosen = link.hash.slice(1);
    quiet = performance.now() + 1000;
    mark(chosen);
  });
  addEventListener("scroll", () => {
    if (performance.now() > quiet) mark((chosen = reading()));
  }, { passive: true });
  document.addEventListener("live:frame", () => mark(chosen));
  if (chosen) mark(chosen);
}
