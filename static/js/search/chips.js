// The chips before the box: the last one comes back to be written on, and what is searched for is all of them and the words.

export function unchip(form, input) {
  const chip = [...form.querySelectorAll(".chip")].at(-1);
  const given = chip?.querySelector("input");
  if (!given) return false;
  const text = given.name === "q" ? given.value : `${given.name}:${/[\s,:]/.test(given.value) ? `"${given.value}"` : given.value}`;
  chip.remove();
  input.value = text + (input.value && ` ${input.value}`);
  input.setSelectionRange(text.length, text.length);
  return true;
}

// One q, and none where nothing is asked: what stands in the address is what a person would write.
export function search(event) {
  const form = event.target;
  event.preventDefault();
  const given = [...new FormData(form)].filter(([, value]) => value.trim());
  const words = given.filter(([name]) => name === "q").map(([, value]) => value.trim());
  const url = new URL(form.action);
  url.search = new URLSearchParams([...given.filter(([name]) => name !== "q"), ...(words.length ? [["q", words.join(" ")]] : [])]);
  location.assign(url);
}
