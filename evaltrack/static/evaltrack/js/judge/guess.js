// @ts-check
/** One more question after some answers: which response is thought to be in production. */

import * as outbox from "./outbox.js";
import { one } from "./page.js";

const dialog = /** @type {HTMLDialogElement} */ (one("#guess"));

/**
 * Ask, and go on. Whoever closes the question has said nothing.
 * @param {outbox.Entry} entry The answer that was given.
 * @param {() => void} goOn
 */
export function ask(entry, goOn) {
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      const said = dialog.returnValue;
      const guess = Number(said) || said;
      if (said) outbox.put({ ...entry, judgment_id: idOf(entry.judgment_id), guessOf: entry.judgment_id, body: { guess } });
      goOn();
    },
    { once: true },
  );
  dialog.showModal();
}

/** @param {string} judgmentId What the guess beside it is called in the outbox. */
export const idOf = (judgmentId) => `guess-${judgmentId}`;

dialog.addEventListener("keydown", (event) => {
  const button = /^(?:Digit|Numpad)[1-3]$/.test(event.code) && dialog.querySelectorAll("button")[Number(event.code.at(-1)) - 1];
  if (button && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey) dialog.close(button.value);
});
