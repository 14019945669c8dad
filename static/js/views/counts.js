// How many tasks the reader's own views have: asked for when they are drawn, and again, now and then, while the page hears of changes.

const PAUSE = 10_000; // ms
const LONGEST = 6_000; // characters of an address: further views go without a count
const PATIENCE = 10_000;
let asked = 0;
let timer = 0;

function address(place, links) {
  const url = new URL(place, location.href);
  for (const link of links) {
    const before = url.search;
    url.searchParams.append("view", link.search.slice(1));
    if (url.search.length > LONGEST) url.search = before;
  }
  return url;
}

export async function count(own) {
  const links = [...own.querySelectorAll("a")];
  if (!links.length || document.hidden) return;
  asked = performance.now();
  try {
    const got = await fetch(address(own.dataset.counts, links), { signal: AbortSignal.timeout(PATIENCE), headers: { "X-Poll": "1" } });
    if (!got.ok || got.redirected) return;
    const { counts } = await got.json();
    counts.forEach((text, place) => {
      const shown = links[place].lastElementChild;
      if (shown.textContent !== text) shown.textContent = text;
    });
  } catch {
    // nobody answers: what stands there stands
  }
}

// Frames come four times a second where much happens.
export function keepCounting(own) {
  document.addEventListener("live:frame", ({ detail }) => {
    if (!detail.totals || timer) return;
    timer = setTimeout(() => {
      timer = 0;
      count(own);
    }, Math.max(0, asked + PAUSE - performance.now()));
  });
}
