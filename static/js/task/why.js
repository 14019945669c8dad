// Whoever is about to say why can type at once.

document.addEventListener("toggle", (event) => event.target.matches(".why[open]") && event.target.querySelector("input").focus(), true);
