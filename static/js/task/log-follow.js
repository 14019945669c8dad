// Keeps the newest line of the log in sight until the reader scrolls up; scrolling down to the end follows again.

const list = document.querySelector("ol.log");
const box = document.getElementById("log-follow");
const END = 24; // px from the end that count as the end

function atEnd() {
  return list.scrollHeight - list.scrollTop - list.clientHeight < END;
}

function follow() {
  if (box.checked) list.scrollTop = list.scrollHeight;
}

if (list && box) {
  list.addEventListener("scroll", () => { box.checked = atEnd(); }, { passive: true });
  list.addEventListener("log:grown", follow);
  box.addEventListener("change", follow);
  follow();
}
