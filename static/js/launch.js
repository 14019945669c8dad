// The launch form's two small helps: the start time carries the reader's own offset from UTC, and an input says that it is wrong
// as soon as the server's sentence stands beside it.
const form = () => document.getElementById("launch");

function offset(moment) {
  const minutes = -moment.getTimezoneOffset();
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

// A link may carry a time with another offset: it is shown as the same moment here.
function moved(start, offsetGiven) {
  const moment = new Date(`${start}${offsetGiven}`);
  if (Number.isNaN(moment.getTime())) return start;
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function place() {
  const start = form()?.elements.start;
  if (!start) return;
  const given = form().elements.start_offset;
  const moment = start.value ? new Date(start.value) : new Date();
  const here = offset(Number.isNaN(moment.getTime()) ? new Date() : moment); // the offset of that day, not of today
  if (given.value !== here) given.value = here;
  for (const words of form().querySelectorAll("[data-zone]")) {
    const text = words.dataset.zone.replace("{}", `UTC${here}`);
    if (words.textContent !== text) words.textContent = text;
  }
}

function mark() {
  for (const wrong of form()?.querySelectorAll(".wrong[id$='-wrong']") ?? []) {
    const input = document.getElementById(wrong.id.slice(0, -"-wrong".length));
    if (wrong.textContent.trim()) input?.setAttribute("aria-invalid", "true");
    else input?.removeAttribute("aria-invalid");
  }
}

// What the server put back stands in the inputs' defaults; what somebody has typed would go on covering it.
function follow(input) {
  if (input.matches("[type=checkbox]")) input.checked = input.defaultChecked;
  else if (input.matches("select")) for (const option of input.options) option.selected = option.defaultSelected;
  else if (input.matches("textarea, input:not([type=hidden], [type=password])")) input.value = input.defaultValue;
}

let back = false;
addEventListener("submit", (event) => { back = event.target === form() && event.submitter?.name === "back"; });
document.addEventListener("htmx:after:swap", () => {
  if (back) for (const input of form()?.elements ?? []) follow(input);
  back = false;
});

const observer = new MutationObserver(() => {
  place();
  mark();
});

// Help with the form in this element, also with those that come to stand there later.
export function attend(element) {
  const elements = form()?.elements;
  if (elements?.start?.value) elements.start.value = moved(elements.start.value, elements.start_offset.value);
  place();
  observer.observe(element, { childList: true, subtree: true });
}

addEventListener("input", (event) => event.target.name === "start" && place());
if (form()) attend(document.getElementById("main"));
