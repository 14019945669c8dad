// The bar of actions: how many are selected, what can be done with them, and the way to all that match.

const count = (number) => number.toLocaleString(document.documentElement.lang);

export class Bar {
  constructor(bar, form, selection) {
    this.bar = bar;
    this.form = form;
    this.selection = selection;
    this.matched = bar.dataset.matched === "" ? null : Number(bar.dataset.matched);
    this.link = bar.querySelector("[data-all]");
    bar.addEventListener("click", (event) => this.#clicked(event));
    form.addEventListener("submit", () => this.#carry(), { capture: true }); // before htmx looks at the form, whichever script came first
  }

  // `rows`: those that are shown; `whole`: all of them are selected.
  show(rows, whole) {
    const { selection } = this;
    const shown = new Set(rows.map((row) => row.dataset.task));
    const away = selection.everything ? 0 : selection.ids.filter((id) => !shown.has(id)).length;
    this.#say();
    this.#tell(".away", away ? "away" : null, away);
    this.#tell("[data-page]", whole && !selection.everything ? "page" : null, rows.length);
    for (const button of this.bar.querySelectorAll("button[name=action]")) this.#enable(button);
    this.#compare();
    this.link.hidden = selection.everything || (this.matched !== null && this.matched <= (whole ? rows.length : 0));
    const sentence = this.matched === null ? null : this.link.dataset.all.replace("{}", count(this.matched));
    if (sentence && this.link.textContent !== sentence) this.link.textContent = sentence;
  }

  // How many match is what the counts of the chosen statuses say, where no words are searched for.
  follow(counters) {
    if (!counters || this.matched === null) return;
    const statuses = this.bar.dataset.statuses.split(" ").filter(Boolean);
    this.matched = statuses.length ? statuses.reduce((sum, status) => sum + (counters[status] ?? 0), 0) : counters.all;
  }

  #say() {
    const place = this.bar.querySelector(".count");
    const { everything, some, whole } = place.dataset;
    const all = this.matched === null ? whole : everything.replace("{}", count(this.matched));
    const text = this.selection.everything ? all : some.replace("{}", count(this.selection.count));
    if (place.textContent !== text) place.textContent = text;
  }

  #tell(place, name, number) {
    const element = this.bar.querySelector(place);
    element.hidden = !name;
    if (name) element.textContent = element.dataset[name].replace("{}", count(number));
  }

  // A button that does nothing stays where it is and keeps the focus; it only says so.
  #enable(button) {
    const able = this.selection.able(button.value);
    const off = !this.selection.everything && !able;
    if (button.getAttribute("aria-disabled") !== String(off)) button.setAttribute("aria-disabled", off);
    const text = this.selection.everything ? "…" : count(able);
    const number = button.querySelector("[data-number]");
    if (number.textContent !== text) number.textContent = text;
  }

  #compare() {
    const link = this.bar.querySelector("[data-compare]");
    link.hidden = this.selection.everything || this.selection.count !== 2;
    const [a, b] = this.selection.ids;
    if (!link.hidden) link.href = `${link.dataset.compare}?${new URLSearchParams({ a, b })}`;
  }

  #clicked(event) {
    const button = event.target.closest("button[name=action]");
    if (event.target.closest("[data-all]")) {
      event.preventDefault();
      this.selection.everything = true;
      this.selection.changed();
      this.bar.querySelector("button[name=action]").focus();
    } else if (button?.getAttribute("aria-disabled") === "true") event.preventDefault();
    else if (button && this.selection.everything) {
      event.preventDefault(); // what would happen is counted first, on a page of its own
      const url = new URL(this.link.href);
      url.searchParams.set("action", button.value);
      this.selection.forget();
      location.assign(url);
    }
  }

  // Tasks whose rows have left the page go along.
  #carry() {
    for (const input of this.form.querySelectorAll("input[name=id]")) input.remove();
    const shown = new Set([...document.querySelectorAll(".pick input[name=id]:checked")].map((box) => box.value));
    for (const id of this.selection.ids.filter((one) => !shown.has(one))) {
      const input = Object.assign(document.createElement("input"), { type: "hidden", name: "id", value: id });
      this.form.append(input);
    }
  }
}
