// @ts-check
/** A ranking as a list that is put in order by buttons and keys. The selects, which work alone, hold what is sent. */

import { all, one, say } from "./page.js";

/** @param {ParentNode} within @returns {HTMLElement[]} */
const rows = (within) => all("[data-ranking] > li", within);

/** @param {Element} row */
const tied = (row) => one("[data-tie]", row).getAttribute("aria-pressed") === "true";

/** @param {HTMLFormElement} form @param {string} [place] */
const select = (form, place) => one(`[name="rank-${place}"]`, form);

/** Groups of places, best first. @param {ParentNode} within @returns {number[][]} */
function groups(within) {
  /** @type {number[][]} */
  const found = [];
  for (const row of rows(within)) {
    if (!found.length || !tied(row)) found.push([]);
    found[found.length - 1].push(Number(row.dataset.place));
  }
  return found;
}

/** Into the selects, so that the answer has a ranking. @param {HTMLFormElement} form */
function take(form) {
  groups(form).forEach((group, index) => group.forEach((place) => (select(form, String(place)).value = index + 1)));
}

/** Whether the list was put in order, or taken as it stood. @param {HTMLFormElement} form */
const isTaken = (form) => rows(form).every((row) => select(form, row.dataset.place).value);

/** The list as these groups have it, told to eyes and ears. @param {HTMLFormElement} form @param {number[][]} ranked */
function draw(form, ranked) {
  const list = one("[data-ranking]", form);
  const last = ranked.length - 1;
  ranked.forEach((group, index) => {
    group.forEach((place, inside) => {
      const row = rowOf(form, place);
      one("[data-rank]", row).textContent = String(index + 1);
      one("[data-standing]", row).textContent = `, rank ${index + 1}${group.length > 1 ? ", tied" : ""}`;
      one("[data-tie]", row).setAttribute("aria-pressed", String(inside > 0));
      one("[data-tie]", row).disabled = index + inside === 0;
      one("[data-move='-1']", row).disabled = index === 0 && group.length === 1;
      one("[data-move='1']", row).disabled = index === last && group.length === 1;
      list.append(row);
    });
  });
}

/** The list as the selects have it: at first, as the responses stand. @param {HTMLFormElement} form */
export function prepare(form) {
  /** @type {Map<string, number[]>} */
  const found = new Map();
  for (const each of all("[name^=rank-]", form)) {
    const place = Number(each.name.slice("rank-".length));
    const rank = each.value || `after ${place}`;
    found.set(rank, [...(found.get(rank) ?? []), place]);
  }
  /** @param {string} rank */
  const order = (rank) => Number(rank) || 100 + Number(rank.slice("after ".length));
  draw(form, [...found].sort(([a], [b]) => order(a) - order(b)).map(([, group]) => group));
}

/** @param {HTMLFormElement} form @param {HTMLElement} row @param {number[][]} ranked */
function change(form, row, ranked) {
  const focused = /** @type {any} */ (document.activeElement);
  draw(form, ranked.filter((group) => group.length));
  take(form);
  say(`${one(".name", row).textContent}.`);
  (row.contains(focused) && !focused.disabled ? focused : row).focus({ preventScroll: true });
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Better or worse by one: out of its tie, or past what stands next to it.
 * @param {HTMLFormElement} form
 * @param {HTMLElement} row
 * @param {-1 | 1} by
 */
function move(form, row, by) {
  const place = Number(row.dataset.place);
  const ranked = groups(form);
  const at = ranked.findIndex((group) => group.includes(place));
  const alone = ranked[at].length === 1;
  if (alone && !ranked[at + by]) return say(`${one(".name", row).textContent}. It stands at the end already.`);
  ranked[at] = ranked[at].filter((each) => each !== place);
  // Past its tied fellows; where it was alone, past the next group, whole.
  const before = by < 0 ? (alone ? at - 1 : at) : alone ? at + 2 : at + 1;
  change(form, row, [...ranked.slice(0, before), [place], ...ranked.slice(before)]);
}

/** With the one above, or out of its tie. @param {HTMLFormElement} form @param {HTMLElement} row */
function toggleTie(form, row) {
  const place = Number(row.dataset.place);
  const ranked = groups(form);
  const at = ranked.findIndex((group) => group.includes(place));
  const isFirst = ranked[at][0] === place;
  if (isFirst && !at) return say("Nothing stands above it.");
  ranked[at] = ranked[at].filter((each) => each !== place);
  if (isFirst) ranked[at - 1].push(place);
  else ranked.splice(at + 1, 0, [place]);
  change(form, row, ranked);
}

/** @param {ParentNode} within @param {number} place @returns {HTMLElement} */
const rowOf = (within, place) => one(`[data-ranking] > [data-place="${place}"]`, within);

/** @param {HTMLFormElement} form */
export const read = (form) => ({ ranking: isTaken(form) ? groups(form) : null });

/** @param {HTMLFormElement} form @param {{ ranking?: number[][] | null }} values */
export function fill(form, { ranking }) {
  for (const each of all("select", form)) each.value = "";
  (ranking ?? []).forEach((group, index) => group.forEach((place) => (select(form, String(place)).value = index + 1)));
  prepare(form);
}

export const missing = () => null;

/** @param {HTMLFormElement} form */
export function doubt(form) {
  if (isTaken(form)) return "";
  take(form);
  return "You have changed nothing in the order. Submit again to send the responses as they stand.";
}

/** @param {Element} target @returns {HTMLElement | null} */
const around = (target) => target.closest("[data-ranking] > li");

/** @param {HTMLFormElement} form @param {Element} pressed */
export function pressed(form, pressed) {
  const row = around(pressed);
  const by = /** @type {HTMLElement | null} */ (pressed.closest("[data-move]"));
  if (row && by) move(form, row, by.dataset.move === "-1" ? -1 : 1);
  if (row && pressed.closest("[data-tie]")) toggleTie(form, row);
}

/** @param {HTMLFormElement} form @param {number} digit */
export const onDigit = (form, digit) => () => rowOf(form, digit)?.focus();

/** The response goes up or down. @param {HTMLFormElement} form @param {Element} target @param {-1 | 1} by */
export function onArrow(form, target, by) {
  const row = around(target);
  return row && (() => move(form, row, by));
}

/** @param {HTMLFormElement} form @param {Element} target @param {string} letter */
export function onLetter(form, target, letter) {
  const row = letter === "t" || letter === "=" ? around(target) : null;
  return row && (() => toggleTie(form, row));
}
