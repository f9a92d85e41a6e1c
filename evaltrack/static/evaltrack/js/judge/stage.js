// @ts-check
/** The task on the screen, and the one that was fetched ahead. */

import * as clock from "./clock.js";
import * as drafts from "./drafts.js";
import * as media from "./media.js";
import { one, settings } from "./page.js";
import * as panes from "./panes.js";
import { load, prepare } from "./protocols.js";
import { send, Unreachable } from "./wire.js";

const stage = one("#stage");
const ahead = one("#ahead");
/** Rubrics by which something was answered since they were revised; what was fetched ahead may not know. */
const known = new Set();

/** What is shown: a task, a panel that says why there is none, or one that says to wait. @returns {HTMLElement} */
export const shown = () => stage.firstElementChild;

/** The task on the screen, if there is one. @returns {HTMLElement | null} */
export const task = () => one("[data-card]", stage);

/** @param {HTMLElement} card Its evaluator has read what changed, and answered. */
export const answered = (card) => known.add(one("[data-revised]", card)?.dataset.revised);

/** @returns {HTMLElement | null} */
export const fetchedAhead = () => ahead.firstElementChild;

/** @param {HTMLElement | null} card */
export function holdAhead(card) {
  ahead.replaceChildren(...(card ? [card] : []));
}

/**
 * Nodes from the server's markup, without ever writing markup into the page; what its protocol needs is loaded.
 * @param {string} html
 * @returns {Promise<HTMLElement | null>}
 */
async function parsed(html) {
  const found = new DOMParser().parseFromString(html, "text/html").querySelector(".review-card");
  if (!found) return null;
  await load(found).catch((error) => {
    throw new Unreachable(String(error));
  });
  return /** @type {HTMLElement} */ (document.adoptNode(found));
}

/**
 * The next task, or the panel that says why there is none.
 * @param {{ prefetch?: boolean }} [options]
 */
export async function fetchNext({ prefetch = false } = {}) {
  const form = prefetch ? { prefetch: "1" } : undefined;
  const { status, body } = await send(settings.next, { form });
  return status === 200 ? parsed(body) : null;
}

/** A task that one has. @param {string} assignment */
export async function fetchTask(assignment) {
  const { status, body } = await send(`${settings.review}${assignment}/`, { method: "GET" });
  return status === 200 ? parsed(body) : null;
}

/**
 * Put it on the screen.
 * @param {HTMLElement} card
 */
export function show(card) {
  const guidanceWasOpen = Boolean(one("[data-guidance]:popover-open", stage));
  if (card.matches("[data-card]")) {
    panes.prepare(card);
    prepare(card);
    media.prepare(card);
    const revised = one("[data-revised]", card);
    if (revised && known.has(revised.dataset.revised)) revised.remove();
    if (!card.dataset.begun) drafts.restore(card);
    card.dataset.begun = "1";
    one("[data-campaign]").textContent = card.dataset.campaignName ?? "";
    one("[data-open-guidance]").setAttribute("popovertarget", one("[data-guidance]", card).id);
  }
  if (stage.firstElementChild !== card) stage.replaceChildren(card);
  const heading = one("h1", card);
  document.title = [heading.textContent, card.dataset.campaignName, "evaltrack"].filter(Boolean).join(" · ");
  if (guidanceWasOpen) one("[data-guidance]", card)?.showPopover();
  window.scrollTo(0, 0);
  heading.focus({ preventScroll: true });
  clock.begin(card);
}

/**
 * A panel in place of a task.
 * @param {string} title
 * @param {string} text
 * @param {string} label
 * @param {() => void} go
 */
export function stop(title, text, label, go) {
  const panel = one("#stop").content.firstElementChild.cloneNode(true);
  one("[data-stop-title]", panel).textContent = title;
  one("[data-stop-text]", panel).textContent = text;
  const button = one("[data-stop-go]", panel);
  button.textContent = label;
  button.addEventListener("click", go);
  show(panel);
}
