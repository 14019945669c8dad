// The socket: opens it and opens it again, knows how old the last frame is, and says why there is none. Where no socket gets through, the
// page asks for itself.

import { Poll } from "./poll.js";
import { Retry } from "./retry.js";
import { Versions } from "./versions.js";

const QUIET = 5_000; // ms without any frame: the server sends a heartbeat every 2 s
const RETURN = 15_000; // ms in which what was deleted may come back: a delete can be undone for ten seconds
const ASK_AGAIN = 2; // seconds
const DEAD = 12_000; // then the connection is given up and made anew
const GONE = 4404; // what this page shows is not there any more
const CROWDED = 4429; // whoever looks has as many pages open as he may
const OUT = [4401, 4403]; // whoever looks is not let in any more

export class LiveSocket {
  #url;
  #onFrame;
  #onState;
  #order;
  #socket = null;
  #versions = new Versions((message) => this.send(message));
  #retry = new Retry(() => this.#open());
  #poll = new Poll((frame) => this.#take(frame), (state) => this.#polled(state), () => this.#heldOrder());
  #over = false; // there is nothing to follow any more
  #heard = performance.now(); // the page itself is as new as a frame
  #opened = 0;
  #lost = 0; // what is shown is not there: the timer after which that is for good

  constructor(url, { onFrame, onState, held = () => "" }) {
    this.#url = url;
    this.#onFrame = onFrame;
    this.#onState = onState;
    this.#order = held;
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.#retry.now());
    addEventListener("pageshow", (event) => event.persisted && this.#retry.now());
    addEventListener("pagehide", () => this.#leave());
    document.addEventListener("visibilitychange", () => !document.hidden && !this.#socket && this.#retry.now());
    this.#open();
  }

  held = false; // whether the connection began with an order that stays

  // Rows that are held stay as they stand, also over a cut.
  #address() {
    const url = new URL(this.#url);
    const held = this.#heldOrder();
    this.held = Boolean(held);
    if (held) url.searchParams.set("held", held);
    return url;
  }

  #heldOrder() {
    const order = this.#order();
    return order && this.#versions.epoch ? `${this.#versions.epoch}.${order}` : "";
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  // What this page shows was deleted: it may come back for as long as that can be undone, and a little more.
  lose() {
    this.#lost ||= setTimeout(() => this.end("gone"), RETURN);
    this.#tell("gone", 0);
  }

  find() {
    if (!this.#lost) return;
    clearTimeout(this.#lost);
    this.#lost = 0;
    this.#tell(this.#poll.going ? "polling" : "live", 0);
  }

  #tell(state, age) {
    this.#onState(this.#lost && state !== "out" ? "gone" : state, age);
  }

  end(state) {
    this.#over = true;
    clearTimeout(this.#lost);
    this.#leave();
    this.#tell(state, 0);
  }

  // After two sockets that did not open, a question finds out first whether anybody is there.
  async #open() {
    if (this.#over) return;
    if (this.#retry.failed >= 2 && !this.#poll.going && !(await this.#poll.start())) return this.#again();
    if (this.#over) return;
    this.#drop();
    const socket = (this.#socket = new WebSocket(this.#address()));
    socket.addEventListener("message", (event) => this.#socket === socket && this.#hear(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => this.#socket === socket && this.#closed(event.code, event.reason));
    this.#opened = performance.now();
    this.#versions.begin();
  }

  #hear(frame) {
    if (frame.error) return;
    this.#poll.stop();
    this.#retry.succeeded();
    this.#tell("live", 0);
    this.#take(frame);
  }

  #take(frame) {
    this.#heard = performance.now();
    const follows = this.#versions.follow(frame);
    if (follows) this.#onFrame(frame, follows.restarted);
  }

  #closed(code, reason) {
    this.#socket = null;
    if (code === GONE) return this.#away();
    if (OUT.includes(code)) return this.end("out");
    if (code === CROWDED) return this.#crowded();
    this.#again(/^Retry-After: (\d{1,2})$/.exec(reason));
  }

  // The socket of what is not there is closed at once: it is asked for again until it is back, or for good away.
  #away() {
    this.lose();
    if (!this.#over) this.#retry.within(ASK_AGAIN);
  }

  #again(back) {
    if (!this.#poll.going) this.#tell("reconnecting", this.#age());
    if (this.#over) return;
    if (back) this.#retry.within(Number(back[1]));
    else this.#retry.later();
  }

  // It may be let in once another page is closed: until then it asks, seldom.
  #crowded() {
    this.#retry.latest();
    this.#tell("crowded", 0);
    this.#poll.start(true);
  }

  #polled(state) {
    if (state === "out") return this.end(state);
    if (state === "reconnecting") this.#retry.soon();
    this.#tell(state, this.#age());
  }

  #giveUp() {
    this.#drop();
    this.#retry.soon();
  }

  #leave() {
    this.#retry.stop();
    this.#poll.stop();
    this.#drop();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    // Closing one that still connects is a warning in the console of whoever leaves a page at once.
    if (socket?.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.close());
    else socket?.close();
  }

  #age() {
    return Math.round((performance.now() - this.#heard) / 1000);
  }

  #watch() {
    const silent = performance.now() - Math.max(this.#heard, this.#opened);
    const connects = this.#socket?.readyState === WebSocket.CONNECTING;
    if (connects && silent > QUIET) this.#giveUp(); // something on the way swallows it
    else if (this.#socket && silent > DEAD) this.#giveUp();
    if (this.#over || this.#poll.going) return;
    if (!this.#socket || (connects && this.#retry.failed)) this.#tell("reconnecting", this.#age());
    else if (silent > QUIET) this.#tell("stale", this.#age());
  }
}
