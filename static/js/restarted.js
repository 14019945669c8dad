// The notice of a restart leaves when it is told to, and does not come back in this browser until the next restart.

const PLACE = "iotask-restart-seen";
const notice = document.querySelector("[data-restart]");

if (notice && localStorage.getItem(PLACE) === notice.dataset.restart) notice.remove();
notice?.querySelector("[data-dismiss]").addEventListener("click", () => {
  localStorage.setItem(PLACE, notice.dataset.restart);
  notice.remove();
  document.querySelector(".ledger a")?.focus({ preventScroll: true }); // what had the focus is gone
});
