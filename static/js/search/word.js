// The word or term at the caret of the search box, and another text in its place. Quotes keep spaces together, as on the server.

export function wordAt(text, caret) {
  let start = 0;
  let quoted = false;
  for (let place = 0; place < caret; place++) {
    if (text[place] === '"') quoted = !quoted;
    else if (!quoted && /\s/.test(text[place])) start = place + 1;
  }
  return { start, text: text.slice(start, caret) };
}

// What was typed on behind the caret, up to the next space, belongs to the word that goes.
export function taken(text, caret, take) {
  const { start } = wordAt(text, caret);
  const rest = text.slice(caret).replace(/^\S*\s?/, "");
  const before = text.slice(0, start) + take;
  return { value: before + rest, caret: before.length };
}
