// Short messages: as a toast that everybody sees, or for screen readers alone.

const place = document.getElementById("said");
const MOST = 3; // toasts of scripts at a time

function toast(text, bad) {
  const found = document.createElement("p");
  const words = document.createElement("bdi");
  found.className = "toast";
  found.dataset.script = "";
  words.className = "cut";
  words.textContent = text;
  found.append(words);
  if (bad) {
    found.dataset.bad = "";
    found.setAttribute("role", "alert");
  }
  for (const old of [...place.querySelectorAll(".toast[data-script]")].slice(MOST - 1)) old.remove();
  place.prepend(found);
  return found;
}

export function say(text, bad = false) {
  if (place && text) return toast(text, bad);
  return null;
}

export function undoable(text, word, act) {
  const found = say(text);
  if (!found) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = word;
  button.addEventListener("click", () => {
    found.remove();
    act();
  });
  found.append(button);
}

// What a key did, for who does not see it.
export function announce(text) {
  let heard = document.getElementById("heard");
  if (!heard) {
    heard = document.createElement("p");
    heard.id = "heard";
    heard.className = "unseen";
    heard.setAttribute("role", "status");
    document.body.append(heard);
  }
  heard.textContent = "";
  requestAnimationFrame(() => { heard.textContent = text; });
}
