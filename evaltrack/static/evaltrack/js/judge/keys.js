// @ts-check
/** Which key does what. By `code` where the place on the keyboard counts, by `key` where the letter does. */

import * as answer from "./answer.js";
import { all, keep, kept, one, settings } from "./page.js";
import * as panes from "./panes.js";
import { protocolOf } from "./protocols.js";
import { task } from "./stage.js";

const OFF = "evaltrack-single-keys-off";
let criterionNext = false;

/** What was said in this browser; else what the person's profile says. */
const areOff = () => kept(OFF, settings.singleKeysDefault === "0");

/** @param {EventTarget | null} target */
const writes = (target) =>
  target instanceof Element && target.matches("textarea, select, input:not([type=radio], [type=checkbox])");

/**
 * The nth choice of the group that has the focus, else of the main one.
 * @param {Element} within
 * @param {number} place
 */
function choose(within, place) {
  const group = document.activeElement?.closest("[data-choices]") ?? one("[data-choices]", within);
  const radio = all("input", within.contains(group) ? group : within)[place - 1];
  radio?.focus({ preventScroll: true });
  radio?.click();
}

/** @param {Element} card @param {string} value */
function setStrength(card, value) {
  const radio = one(`[name=strength][value="${value}"]`, card);
  if (radio) radio.checked = true;
}

/** @param {string | null} id @param {string} [inside] What gets the focus. */
function togglePanel(id, inside = "input[type=radio], button") {
  const panel = document.getElementById(id ?? "");
  if (panel?.togglePopover()) one(inside, panel)?.focus();
}

/** @param {HTMLElement} card */
const opener = (card) => ({
  skip: () => togglePanel(one("[data-skip]", card).id),
  guidance: () => toggleGuidance(card),
});

/** @param {Element} card */
export function toggleGuidance(card) {
  const drawer = one("[data-guidance]", card);
  togglePanel(drawer.id, "h2");
  if (!drawer.matches(":popover-open")) one("[data-open-guidance]").focus();
}

/** @typedef {{ submit: () => void, undo: () => void, letters?: Record<string, () => void> }} Acts `letters`: further keys. */

/** @param {Acts} acts */
export function listen(acts) {
  const off = one("[data-single-keys]");
  one("[data-single-keys-label]").hidden = false;
  off.checked = !areOff();
  off.addEventListener("change", () => keep(OFF, !off.checked));
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || one("dialog[open]")) return;
    const act = meaning(event, acts);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {Acts} acts
 * @returns {(() => void) | null | undefined}
 */
function meaning(event, acts) {
  const target = /** @type {Element} */ (event.target);
  const card = task();
  if (event.key === "Enter") return enter(event, target, acts);
  if (event.key === "Escape") return escape(target, card);
  if (event.ctrlKey || event.metaKey || event.altKey || writes(target) || areOff()) return null;
  const open = /** @type {HTMLElement | null} */ (one("[popover=auto]:popover-open, [popover='']:popover-open"));
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (open) return inPanel(event, open, digit, card);
  if (target.matches("[role=tab]") && card && event.key.startsWith("Arrow")) return null;
  const letter = event.key.toLowerCase();
  if (card && (letter === "j" || letter === "k")) {
    return () => panes.scroll(card, letter === "j" ? 1 : -1, event.shiftKey);
  }
  if (card && event.key.startsWith("Arrow")) return onArrow(card, target, event.key);
  if (event.repeat) return () => {};
  if (event.key === "?") return () => togglePanel("keys", "button");
  if (digit && card) return onDigit(card, Number(digit), event.shiftKey);
  if (letter === "z" && !event.shiftKey) return acts.undo;
  if (!card || event.shiftKey) return null;
  return onLetter(card, target, event.key === letter ? letter : "") ?? acts.letters?.[event.key];
}

/** What the protocol says, else the next row of points. @param {HTMLElement} card @param {Element} target @param {string} key */
function onArrow(card, target, key) {
  const by = key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1;
  const form = answer.formOf(card);
  const { onArrow: own } = protocolOf(form);
  if (own) return own(form, target, by);
  const row = target.closest("[data-row]");
  if (!row || key === "ArrowLeft" || key === "ArrowRight") return null;
  const rows = all("[data-row]", card);
  const next = rows[(rows.indexOf(row) + by + rows.length) % rows.length];
  return () => one("input:checked, input", next).focus();
}

/** @param {HTMLElement} card @param {Element} target @param {string} letter */
function onLetter(card, target, letter) {
  criterionNext = letter === "c" && Boolean(one("[data-criterion]", card));
  /** @type {Record<string, () => void>} */
  const letters = {
    r: () => answer.field(card, "comment").focus(),
    s: opener(card).skip,
    g: opener(card).guidance,
    e: () => panes.toggleFold(card),
    m: () => panes.toggleRaw(card),
    p: () => (one(".prompt", card).open = !one(".prompt", card).open),
    "[": () => panes.goTo(card, "1"),
    "]": () => panes.goTo(card, "2"),
    c: () => {},
  };
  const form = answer.formOf(card);
  return protocolOf(form).onLetter?.(form, target, letter) ?? letters[letter];
}

/** @param {HTMLElement} card @param {number} digit @param {boolean} shift */
function onDigit(card, digit, shift) {
  if (criterionNext) {
    criterionNext = false;
    const group = all("[data-criterion]", card)[digit - 1];
    return () => one("input:checked, input", group ?? card)?.focus();
  }
  if (shift && (digit > 2 || !one("[data-strength]", card))) return null;
  const form = answer.formOf(card);
  const { onDigit: own } = protocolOf(form);
  // Where a group of choices has the focus, digits are its own.
  if (own && !document.activeElement?.closest("[data-choices]")) return own(form, digit);
  if (!digit && form.dataset.protocol !== "rating") return null;
  return () => {
    choose(form, digit || 10);
    if (digit <= 2 && document.activeElement?.matches("[name=preference]")) setStrength(card, shift ? "2" : "1");
    form.dispatchEvent(new Event("input", { bubbles: true }));
  };
}

/** @param {KeyboardEvent} event @param {HTMLElement} open @param {string | undefined} digit @param {HTMLElement | null} card */
function inPanel(event, open, digit, card) {
  if (digit && open.matches("[data-skip]")) return () => choose(open, Number(digit));
  if (event.key === "?" && open.id === "keys") return () => open.hidePopover();
  if (event.key === "s" && card && open.matches("[data-skip]")) return opener(card).skip;
  return null;
}

/** @param {KeyboardEvent} event @param {Element} target @param {{ submit: () => void }} acts */
function enter(event, target, acts) {
  if (event.repeat) return () => {};
  const skip = one("[data-skip]:popover-open form");
  if (target.matches("a, button, summary, audio") || event.altKey || event.shiftKey) return null;
  if (skip) return () => skip.requestSubmit();
  if (one(":popover-open:not([data-guidance])")) return null;
  const together = event.ctrlKey || event.metaKey;
  return together || !writes(target) ? acts.submit : null;
}

/** @param {Element} target @param {HTMLElement | null} card */
function escape(target, card) {
  if (writes(target) && card) {
    const form = answer.formOf(card);
    return () => (one("input:checked", form) ?? one("[type=radio], [data-ranking] > li, [name=no_error]", form))?.focus();
  }
  if (card && one("[data-guidance]:popover-open", card)) return opener(card).guidance;
  return null;
}
