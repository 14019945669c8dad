// A schedule that is new begins in the reader's own time zone.
const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const input = document.getElementById("timezone");

if (own && input?.dataset.fresh !== undefined && input.value === input.defaultValue) {
  input.value = own;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
