// Frames follow one another, version by version, within one process of the server. What does not follow is dropped until a snapshot.

const ACK_EVERY = 4;

export class Versions {
  #send;
  #epoch = document.body.dataset.epoch ?? null; // the process that made this page
  #version = null;
  #unacknowledged = 0;
  #asked = false;

  constructor(send) {
    this.#send = send;
  }

  get epoch() {
    return this.#epoch;
  }

  // The first frame of a connection is a snapshot.
  begin() {
    this.#asked = true;
  }

  // Whether a frame may be shown, and whether it comes from another process than the one before.
  follow(frame) {
    if (!frame.snapshot && (frame.epoch !== this.#epoch || frame.base !== this.#version)) return this.#askAgain();
    if (frame.snapshot) this.#asked = false;
    const restarted = this.#epoch !== null && frame.epoch !== this.#epoch;
    this.#epoch = frame.epoch;
    this.#version = frame.version;
    this.#acknowledge(frame);
    return { restarted };
  }

  #acknowledge(frame) {
    const heartbeat = !frame.snapshot && frame.rows === undefined;
    if (!heartbeat && ++this.#unacknowledged >= ACK_EVERY) {
      this.#unacknowledged = 0;
      this.#send({ ack: frame.version });
    }
  }

  #askAgain() {
    if (this.#asked) return null;
    this.#asked = true;
    this.#unacknowledged = 0;
    this.#send({ snapshot: this.#version ?? 0 });
    return null;
  }
}
