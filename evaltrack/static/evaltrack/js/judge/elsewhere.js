// @ts-check
/** One tab at a time. */

import { one, settings } from "./page.js";

let away = false;

export const isAway = () => away;

/**
 * This tab takes over; when another does, this one steps back.
 * @param {() => void} stepBack
 */
export function takeOver(stepBack) {
  if (!("BroadcastChannel" in window)) return;
  const channel = new BroadcastChannel(`evaltrack-judge-${settings.outbox}`);
  const dialog = one("#elsewhere");
  channel.addEventListener("message", () => {
    away = true;
    stepBack();
    if (!dialog.open) dialog.showModal();
  });
  dialog.addEventListener("cancel", (/** @type {Event} */ event) => event.preventDefault());
  // Loaded anew, it takes over and knows what was done in the other one.
  dialog.addEventListener("close", () => location.reload());
  channel.postMessage("here");
}
