// Buttons beside a number take it up or down by one; the button that goes back leaves the number there.

addEventListener("click", (event) => {
  const button = event.target.closest?.(".stepper [data-step]");
  if (!button) return;
  const input = button.parentElement.querySelector("input");
  if (!input.value) input.value = input.min;
  else if (Number(button.dataset.step) > 0) input.stepUp();
  else input.stepDown();
  input.dispatchEvent(new Event("input", { bubbles: true }));
});

addEventListener("submit", (event) => {
  const input = event.target.querySelector?.(".stepper input");
  if (input && event.submitter?.dataset.back !== undefined) input.value = event.submitter.value;
});
