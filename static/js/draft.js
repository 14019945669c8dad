// What was sent from a launch form is kept until another page has come: whoever had to log in first, or loaded the page again while the
// server was thinking, finds it in the form again. The key comes back too, so that what was launched after all is not launched twice.

const PLACE = "iotask-draft";
const form = document.getElementById("launch");
const here = () => location.pathname + location.search;

function keep(event) {
  if (event.target.id !== "launch" || event.submitter?.value === "link") return;
  const secret = (name) => name === "csrfmiddlewaretoken" || event.target.elements[name]?.type === "password";
  const given = [...new FormData(event.target)].filter(([name]) => !secret(name));
  sessionStorage.setItem(PLACE, JSON.stringify({ here: here(), given }));
}

function fill(given) {
  for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = false;
  for (const [name, value] of given) {
    const input = form.elements[name];
    if (input?.type === "checkbox") input.checked = true;
    else if (input) input.value = value;
  }
}

function told() {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = form.dataset.kept;
  document.getElementById("said")?.replaceChildren(toast);
}

function restore(draft) {
  const mode = new Map(draft.given).get("as");
  if (mode !== form.elements.as?.value) {
    const other = new URL(location.href);
    other.searchParams.set("as", mode);
    sessionStorage.setItem(PLACE, JSON.stringify({ ...draft, here: other.pathname + other.search }));
    return location.replace(other);
  }
  fill(draft.given);
  told();
}

const draft = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
sessionStorage.removeItem(PLACE);
if (form && draft?.here === here()) restore(draft);
document.addEventListener("submit", keep, true);
