// @ts-check
/** Pictures at their own size, and recordings: one at a time, all at one volume. */

import { all, one } from "./page.js";

const dialog = one("#enlarged");
const heard = { volume: 1, muted: false };

/** @param {Element} card A task is about to appear. */
export function prepare(card) {
  for (const recording of all("audio", card)) Object.assign(recording, heard);
}

/** @param {Element} link Its picture, as large as it is. */
export function enlarge(link) {
  const picture = /** @type {HTMLElement} */ (one("img", link).cloneNode());
  const holder = one(".enlarged-picture", dialog);
  holder.replaceChildren(picture);
  dialog.showModal();
  holder.focus();
}

dialog.addEventListener("close", () => one(".enlarged-picture", dialog).replaceChildren());

// What a recording tells does not bubble.
document.addEventListener(
  "play",
  (event) => {
    for (const other of all("audio")) if (other !== event.target) other.pause();
  },
  { capture: true },
);
document.addEventListener(
  "volumechange",
  (event) => {
    const { volume, muted } = /** @type {HTMLMediaElement} */ (event.target);
    Object.assign(heard, { volume, muted });
    for (const other of all("audio")) Object.assign(other, heard);
  },
  { capture: true },
);
