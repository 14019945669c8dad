// Notices of the browser, where it allows them.

import { say } from "../say.js";

// The browser is asked for its permission on this click, and never otherwise.
export async function mayNotify() {
  if (!("Notification" in window) || !isSecureContext) return false;
  return (Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission) === "granted";
}

// Who looks at the page gets a toast, whoever does not a notice.
export function tell(task) {
  if (!document.hidden) return say(task.said, task.status === "failed" || task.status === "interrupted");
  if (!("Notification" in window) || Notification.permission !== "granted") return null;
  try {
    const notice = new Notification(task.said, { body: task.detail, tag: task.link });
    notice.addEventListener("click", () => {
      focus();
      location.assign(task.link);
    });
  } catch {
    // some phones know notices of service workers alone: the title counts
  }
  return null;
}
