// Asks the server for completions: after a rest of 150 ms, one question at a time, and always for the newest word.

const REST = 150;
const PATIENCE = 5_000;

export class Ask {
  #path;
  #show;
  #timer = 0;
  #wanted = null;
  #asking = false;

  constructor(path, show) {
    this.#path = path;
    this.#show = show;
  }

  for(params) {
    this.#wanted = params;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), REST);
  }

  forget() {
    this.#wanted = null;
    clearTimeout(this.#timer);
  }

  async #ask() {
    if (this.#asking || !this.#wanted) return;
    const params = this.#wanted;
    this.#asking = true;
    try {
      const got = await fetch(`${this.#path}?${params}`, { signal: AbortSignal.timeout(PATIENCE) });
      const html = got.ok && !got.redirected ? await got.text() : "";
      if (params === this.#wanted) this.#show(html);
    } catch {
      if (params === this.#wanted) this.#show(""); // nobody answers: the box works on without proposals
    } finally {
      this.#asking = false;
      if (this.#wanted && params !== this.#wanted) this.#ask();
    }
  }
}
