// Joins the parts: what the page shows follows the server's store.

import { offerLogin, say } from "./connection.js";
import { count, countViews, fillSlots, notify, tellRange } from "./counters.js";
import { Hold } from "./hold.js";
import { applyParts } from "./parts.js";
import { Rows } from "./rows.js";
import { LiveSocket } from "./socket.js";

const path = document.body.dataset.live;
const body = document.querySelector("table.tasks tbody");
const parts = document.querySelector("main[data-task], main[data-board]");

function follow() {
  const rows = body && new Rows(body);
  const url = new URL(path, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("language", document.documentElement.lang); // whatever another tab has chosen since
  let hold = null;
  const socket = new LiveSocket(url, { onState, onFrame, held: () => hold?.order ?? "" });
  if (rows) hold = new Hold(body.closest(".list"), document.querySelector(".fresh"), (message) => socket.send(message), () => rows.close());

  function onState(state, age) {
    say(state, age);
    if (state === "out") offerLogin();
    parts?.toggleAttribute("data-gone", state === "gone"); // what stands there stands still
  }

  // What was deleted may come back; what went with another process will not.
  function whether(shown, frame, restarted) {
    const there = frame.order?.includes(shown) ?? !frame.removed?.includes(shown);
    if (there) socket.find();
    else if (restarted) socket.end("gone");
    else socket.lose();
  }

  let all = Number(document.querySelector("[data-count-of=all]")?.closest("[data-count]").dataset.count ?? 0);

  function onFrame(frame, restarted) {
    if (restarted) rows?.close();
    if (rows) rows.apply(frame, !restarted && hold?.held);
    else if (parts) applyParts(parts, frame);
    if (frame.snapshot) hold?.renew(socket.held);
    if (frame.new_count !== undefined) hold?.count(frame.new_count);
    count(frame.counters, frame.more, frame.tally);
    countViews(frame.totals);
    fillSlots(frame.busy);
    tellRange(frame.range);
    if (frame.notice || restarted) notify(frame.notice, restarted && { lost: all - (frame.counters?.all ?? all) });
    all = frame.counters?.all ?? all;
    if (parts) whether(parts.dataset.task ?? parts.dataset.board, frame, restarted);
    document.dispatchEvent(new CustomEvent("live:frame", { detail: frame }));
  }
}

if (path) follow();
