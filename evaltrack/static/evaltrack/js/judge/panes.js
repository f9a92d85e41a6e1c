// @ts-check
/** The two responses: side by side or as tabs, whole or at one height, raw or rendered. */

import { all, narrow, one } from "./page.js";

/** What the evaluator likes to see stays from task to task. */
const liked = { raw: false, fold: "" };

/** @param {Element} card A task is about to appear, or the screen has become narrow or wide. */
export function prepare(card) {
  const tabs = one(".tabs", card);
  if (narrow.matches) tabs.dataset.live = "1";
  else delete tabs.dataset.live;
  for (const pane of all("[data-pane]", card)) {
    const tab = one(`[data-tab="${pane.dataset.pane}"]`, card);
    const heading = one("h2", pane);
    if (narrow.matches) pane.setAttribute("role", "tabpanel");
    else pane.removeAttribute("role");
    pane.setAttribute("aria-labelledby", narrow.matches ? tab.id : heading.id);
  }
  showRaw(card);
  showFold(card);
}

/**
 * @param {Element} card
 * @param {string} number
 */
export function open(card, number) {
  one("[data-panes]", card).dataset.open = number;
  for (const tab of all("[data-tab]", card)) {
    const chosen = tab.dataset.tab === number;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    const mark = chosen && one(".unseen:not([hidden])", tab);
    if (!mark) continue;
    mark.hidden = true;
    // The request was read; it makes room.
    if (narrow.matches) one(".prompt", card).open = false;
  }
}

/** @param {Element} card @param {string} number Go to a response, wherever it stands. */
export function goTo(card, number) {
  if (narrow.matches) open(card, number);
  one(`[data-pane="${number}"]`, card)?.focus();
}

/**
 * Make visible where a link within the task leads; the browser then goes there. A citation leaves at the context that
 * it names the way back to itself.
 * @param {Element} card
 * @param {HTMLAnchorElement} link
 */
export function reveal(card, link) {
  const target = document.getElementById(link.hash.slice(1));
  if (!target) return;
  for (const folded of all("details", card)) if (folded.contains(target)) folded.open = true;
  const pane = target.closest("[data-pane]");
  if (narrow.matches && pane) open(card, pane.dataset.pane);
  if (!link.matches(".citation")) return;
  const from = link.closest("[data-pane]")?.dataset.pane;
  for (const back of all("[data-back]", target)) {
    back.hidden = back.dataset.back !== from;
    if (!back.hidden) back.hash = link.id;
  }
}

/** @param {Element} card @param {KeyboardEvent} event In the list of tabs. */
export function arrows(card, event) {
  if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  open(card, /** @type {HTMLElement} */ (event.target).dataset.tab === "1" ? "2" : "1");
  one('[data-tab][aria-selected="true"]', card).focus();
}

/** @param {Element} card */
export function toggleRaw(card) {
  liked.raw = !liked.raw;
  showRaw(card);
}

/** @param {Element} card */
function showRaw(card) {
  one("[data-raw]", card)?.setAttribute("aria-pressed", String(liked.raw));
  for (const raw of all("[data-raw-text]", card)) {
    raw.hidden = !liked.raw;
    one("[data-rendered]", raw.parentElement).hidden = liked.raw;
  }
}

/** @param {Element} card Wide, the texts stand at one height; narrow, they stand whole. The toggle turns that round. */
export function toggleFold(card) {
  liked.fold = liked.fold ? "" : "turned";
  showFold(card);
}

/** @param {Element} card */
function showFold(card) {
  one("[data-panes]", card).dataset.fold = liked.fold;
  document.body.dataset.fold = liked.fold;
  one("[data-whole]", card)?.setAttribute("aria-pressed", String(narrow.matches ? !liked.fold : Boolean(liked.fold)));
}

/** @param {Element} card @param {number} direction @param {boolean} byPage */
export function scroll(card, direction, byPage) {
  let moved = false;
  for (const pane of all("[data-pane]", card)) {
    const before = pane.scrollTop;
    pane.scrollBy(0, direction * (byPage ? pane.clientHeight * 0.9 : 60));
    moved ||= pane.scrollTop !== before;
  }
  if (!moved) window.scrollBy(0, direction * (byPage ? innerHeight * 0.6 : 60));
}
