// Says whether the page is live, and since when it is not; and shows the way back in to whoever was signed out.

const THIN = "\u202f";
const OLD = 5; // seconds; what is shown is as good as new before
const AWAY = ["reconnecting", "stale"];
const place = document.querySelector(".conn");
const aloud = document.querySelector("[data-conn-said]");
const narrow = matchMedia("(max-width: 430px)");
const [S, M, H] = (document.body.dataset.units ?? "").split("|");

// `age`: that of what is shown, in seconds.
export function say(state, age) {
  if (!place) return;
  const old = duration(age);
  const whole = sentence(state, age).replace("{}", old);
  const text = narrow.matches && AWAY.includes(state) ? old : whole; // its shape says the rest
  if (text === place.textContent && state === place.dataset.state) return;
  for (const note of document.querySelectorAll("[data-while]")) note.hidden = note.dataset.while !== state;
  // Seconds are for the eye: a voice that counts them cannot be listened to.
  if (state !== place.dataset.state || age >= 60) aloud.textContent = whole;
  place.dataset.state = state;
  place.textContent = text;
}

function sentence(state, age) {
  const words = place.dataset;
  if (state === "reconnecting" && age >= OLD) return words.wordsOld;
  return words[`words${state[0].toUpperCase()}${state.slice(1)}`] ?? state;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds}${THIN}${S}`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}${THIN}${M}` : `${Math.floor(minutes / 60)}${THIN}${H}`;
}

export function offerLogin() {
  const note = document.querySelector("[data-signed-out]");
  if (!note) return;
  const link = note.querySelector("a");
  link.search = new URLSearchParams({ next: location.pathname + location.search });
  note.hidden = false;
}
