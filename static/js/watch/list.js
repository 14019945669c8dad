// Which tasks this browser watches. All its pages share the list; what is read back is not trusted.

const PLACE = "iotask-watched";
const ASKED = "iotask-watched-asked"; // when a page of this browser asked last
export const MOST = 50;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function read(place) {
  try {
    return JSON.parse(localStorage.getItem(place) ?? "null");
  } catch {
    return null;
  }
}

function write(place, value) {
  try {
    localStorage.setItem(place, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

// {tasks: {id: epoch of the process it was watched in}, unseen: how many have ended that nobody looked at}
export function watched() {
  const found = read(PLACE);
  const tasks = Object.entries(found?.tasks ?? {}).filter(([id, epoch]) => ID.test(id) && typeof epoch === "string");
  const unseen = Number.isInteger(found?.unseen) ? Math.min(Math.max(found.unseen, 0), 999) : 0;
  return { tasks: Object.fromEntries(tasks.slice(0, MOST)), unseen };
}

export const keep = (list) => write(PLACE, list);

// One page asks for all: whoever comes first after the pause.
export function mayAsk(pause) {
  const now = Date.now();
  const last = Number(read(ASKED)) || 0;
  if (last <= now && now - last < pause) return false;
  return write(ASKED, now);
}

export const changedElsewhere = (act) => addEventListener("storage", (event) => event.key === PLACE && act());
