// Holds the order of the list while the pointer or the focus is in it, or rows are selected, and shows how many tasks came meanwhile.

const LEAVE = 400; // ms: a pointer that crosses an edge has not left

export class Hold {
  #send;
  #onRelease;
  #chip;
  #held = false;
  #timer = 0;

  constructor(list, chip, send, onRelease) {
    this.#send = send;
    this.#onRelease = onRelease;
    this.#chip = chip;
    this.#list = list;
    list.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.#set(true));
    list.addEventListener("pointerleave", () => this.#later());
    list.addEventListener("focusin", (event) => event.target !== chip && this.#set(true));
    list.addEventListener("focusout", () => this.#later());
    document.addEventListener("selection", (event) => this.#select(event.detail.count));
    this.#inside = () => this.#selected > 0 || list.matches(":hover") || (list.contains(document.activeElement) && document.activeElement !== chip);
    chip?.addEventListener("click", () => this.#set(false));
  }

  #inside;
  #list;
  #selected = 0;

  get held() {
    return this.#held;
  }

  // The numbers of the rows as they stand, for a new connection to go on with; empty while they may move.
  get order() {
    return this.#held ? [...this.#list.querySelectorAll("tbody tr[data-number]")].map((row) => row.dataset.number).join(".") : "";
  }

  // A new connection began with the order that was held then; the server may not know it any more, or it may move again meanwhile.
  renew(asked) {
    if (this.#held || asked) this.#send({ hold: this.#held });
  }

  count(number) {
    if (!this.#chip) return;
    this.#chip.hidden = !(this.#held && number > 0);
    const place = this.#chip.querySelector("[data-new-count]");
    if (place) place.textContent = number.toLocaleString(document.documentElement.lang);
  }

  // What is selected must not move away from the hand that selects.
  #select(count) {
    this.#selected = count;
    if (count) this.#set(true);
    else this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#inside() || this.#set(false), LEAVE);
  }

  #set(held) {
    clearTimeout(this.#timer);
    if (held === this.#held) return;
    this.#held = held;
    this.#send({ hold: held });
    if (held) return;
    if (this.#chip) this.#chip.hidden = true;
    this.#onRelease();
  }
}
