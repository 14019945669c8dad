// When to try again: soon at first, at a time of each page's own, so that a server that comes back is not met by all at once; at last some
// eighty times an hour, which a battery does not notice.

const FIRST = 500; // ms, doubling
const LONGEST = 60_000;
const LEAST = 0.7; // of the longest: within an hour no more than a hundred tries

export class Retry {
  failed = 0; // tries in a row
  #try;
  #timer = 0;

  constructor(attempt) {
    this.#try = attempt;
  }

  succeeded() {
    this.failed = 0;
  }

  later() {
    const most = Math.min(FIRST * 2 ** this.failed++, LONGEST);
    this.#at(most < LONGEST ? most * Math.random() : most * (LEAST + (1 - LEAST) * Math.random()));
  }

  // A server that stops says within what time it may be back: its pages come spread over that.
  within(seconds) {
    this.failed++;
    this.#at(seconds * 1000 * Math.random());
  }

  // What answered until now does not: nothing is known of how long it will be away.
  soon() {
    this.failed = 2;
    this.later();
  }

  latest() {
    this.failed = Math.max(this.failed, Math.ceil(Math.log2(LONGEST / FIRST)));
    this.later();
  }

  now() {
    this.#at(0);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #at(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#try, delay);
  }
}
