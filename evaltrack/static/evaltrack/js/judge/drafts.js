// @ts-check
/** What is chosen and written so far: in this browser at once, on the server a moment later. */

import { fill, given } from "./answer.js";
import { keep, kept, saveState, settings } from "./page.js";
import { send } from "./wire.js";

const PREFIX = `evaltrack-draft-${settings.outbox}-`;
const PAUSE_MS = 1500;
const LONGEST_MS = 7 * 24 * 3600 * 1000;
let timer = 0;
/** @type {Promise<unknown>} */
let sent = Promise.resolve();
/** @type {HTMLElement | null} */
let unsaved = null;

/** @param {HTMLElement} card */
const keyOf = (card) => PREFIX + card.dataset.assignment;

/** @param {HTMLElement} card */
export function changed(card) {
  keep(keyOf(card), { at: Date.now(), given: given(card) });
  unsaved = card;
  clearTimeout(timer);
  timer = setTimeout(save, PAUSE_MS);
}

/** To the server, so that another device has it too. That it failed loses nothing: the browser has it. */
export async function save() {
  const card = unsaved;
  clearTimeout(timer);
  unsaved = null;
  if (!card || card.dataset.shown !== "1") return;
  try {
    saveState("saving");
    const { status } = await post(card.dataset.assignment ?? "", given(card));
    saveState(status === 200 ? "saved" : "");
  } catch {
    saveState("");
  }
}

/**
 * One after the other: of two that are on their way at once, the older one might arrive last and stay.
 * @param {string} assignment
 * @param {any} draft
 */
export function post(assignment, draft) {
  const answer = sent.then(() => send(`${settings.review}${assignment}/draft/`, { json: draft, keepalive: true }));
  sent = answer.catch(() => {});
  return answer;
}

/**
 * Of the browser's draft and the server's, the newer one; the server's stands in the form already.
 * @param {HTMLElement} card
 */
export function restore(card) {
  const here = kept(keyOf(card), null);
  if (here && here.at / 1000 >= Math.floor(Number(card.dataset.draftSavedAt))) fill(card, here.given);
}

/** @param {HTMLElement} card */
export function forget(card) {
  if (unsaved === card) unsaved = null;
  keep(keyOf(card), null);
}

/**
 * An answer that was not taken, for when its task is on the screen again.
 * @param {string} assignment
 * @param {any} body As it was sent.
 */
export function setAside(assignment, body) {
  keep(PREFIX + assignment, { at: Date.now(), given: body });
}

/** Those of tasks that went another way. */
export function forgetOld() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith("evaltrack-draft-") && Date.now() - kept(key, { at: 0 }).at > LONGEST_MS) keep(key, null);
    }
  } catch {
    // No storage, no drafts.
  }
}
