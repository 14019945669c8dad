// The reader's own views: names and filters, kept in this browser. What is read back is not trusted: it may be of an older version of
// this page, or written by hand.

const PLACE = "iotask-views";
export const MOST = 20;
const LONGEST_NAME = 60; // characters
const LONGEST_QUERY = 2_000;
const KEYS = ["status", "type", "tag", "q"];

// What a page's address says of its filter, and nothing else: no cursor, no order.
export function filterOf(search) {
  const given = [...new URLSearchParams(search)].filter(([name, value]) => KEYS.includes(name) && value);
  return new URLSearchParams(given).toString();
}

function understood(view) {
  if (typeof view?.name !== "string" || typeof view.query !== "string") return null;
  const name = view.name.trim().slice(0, LONGEST_NAME);
  return name && view.query.length <= LONGEST_QUERY ? { name, query: filterOf(view.query) } : null;
}

export function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(found) ? found.slice(0, MOST).map(understood).filter(Boolean) : [];
  } catch {
    return []; // storage is shut, or holds something else
  }
}

// Whether this browser keeps it.
export function keep(views) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(views));
    return true;
  } catch {
    return false;
  }
}

export const changedElsewhere = (act) => addEventListener("storage", (event) => event.key === PLACE && act());
