// Watched tasks: a toggle on a task's page and in a row's menu; when one ends, a notice of the browser and a count in the title, on
// whichever page of the dashboard is open. One page of this browser asks the server, every few seconds, and only while something is watched.

import { say } from "../say.js";
import { changedElsewhere, keep, mayAsk, MOST, watched } from "./list.js";
import { mayNotify, tell } from "./notices.js";

const place = document.querySelector("[data-watched]");
const PAUSE = 4_000; // ms between two questions
const PATIENCE = 10_000;
const words = place?.dataset ?? {};
const epoch = () => document.body.dataset.epoch ?? "";
let title = ""; // with its count, as this module wrote it

// A row's button names the task by its path.
const idOf = (button) => button.dataset.watch.split("/").at(-1);

function showTitle() {
  const plain = document.title.replace(/^\(\d+\) /, "");
  const { unseen } = watched();
  title = unseen ? `(${unseen}) ${plain}` : plain;
  if (document.title !== title) document.title = title;
}

function showToggles() {
  const { tasks } = watched();
  for (const toggle of document.querySelectorAll("[data-watch]")) {
    const on = idOf(toggle) in tasks;
    const said = toggle.querySelector("[data-watch-words]");
    const text = said?.dataset.watchWords.split("|")[Number(on)];
    if (said && said.textContent !== text) said.textContent = text;
  }
}

function show() {
  showTitle();
  showToggles();
}

function seen() {
  if (document.hidden) return;
  const list = watched();
  if (list.unseen) keep({ ...list, unseen: 0 });
  showTitle();
}

async function toggle(id) {
  const list = watched();
  const on = !(id in list.tasks);
  if (on && Object.keys(list.tasks).length >= MOST) return say(words.full.replace("{}", MOST), true);
  if (on) list.tasks[id] = epoch();
  else delete list.tasks[id];
  if (!keep(list)) return say(words.shut, true);
  showToggles();
  if (on) say((await mayNotify()) ? words.granted : words.title);
  else say(words.off);
}

function take(answer, asked) {
  const list = watched();
  let [ended, gone, lost] = [0, 0, 0];
  for (const id of asked.filter((one) => one in list.tasks)) {
    const task = answer.tasks[id];
    if (task && !task.ended) continue;
    if (task) {
      ended += 1;
      tell(task);
    } else if (list.tasks[id] !== answer.epoch && !answer.durable) lost += 1;
    else gone += 1;
    delete list.tasks[id];
  }
  if (!(ended + gone + lost)) return;
  if (document.hidden) list.unseen += ended + gone + lost;
  keep(list);
  if (lost) say(words.lost.replace("{}", lost), true);
  if (gone) say(words.gone.replace("{}", gone));
  show();
}

async function ask() {
  const ids = Object.keys(watched().tasks);
  if (!ids.length || !mayAsk(PAUSE)) return;
  try {
    const query = new URLSearchParams(ids.map((id) => ["id", id]));
    const options = { headers: { "X-Poll": "1" }, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE) };
    const got = await fetch(`${words.watched}?${query}`, options);
    if (got.ok) take(await got.json(), ids);
  } catch {
    // nobody answers: the next question finds out
  }
}

if (place) {
  addEventListener("click", (event) => {
    const button = event.target.closest("[data-watch]");
    if (button) toggle(idOf(button));
  });
  show();
  seen();
  setInterval(ask, 1_000);
  document.addEventListener("live:frame", showToggles);
  document.addEventListener("visibilitychange", seen);
  addEventListener("focus", seen);
  changedElsewhere(show);
  // Other modules write the title too: the count stays in front.
  new MutationObserver(() => document.title !== title && showTitle()).observe(document.querySelector("title"), { childList: true });
}
