// @ts-check
/** The main part of an answer, by protocol: how it is read from the form, filled in, and what is missing of it. */

import { all, one } from "./page.js";

/**
 * What the screen asks of a protocol. Keys answer with what they do, or null where they mean nothing.
 * @typedef {(() => void) | null | undefined} Act
 * @typedef {{
 *   read: (form: HTMLFormElement) => Record<string, any>,
 *   fill: (form: HTMLFormElement, values: any) => void,
 *   missing: (form: HTMLFormElement) => { sentence: string, at: HTMLElement } | null,
 *   doubt?: (form: HTMLFormElement) => string,
 *   prepare?: (form: HTMLFormElement) => void,
 *   changed?: (form: HTMLFormElement, target: Element) => void,
 *   pressed?: (form: HTMLFormElement, pressed: Element) => void,
 *   selected?: (card: Element) => void,
 *   onDigit?: (form: HTMLFormElement, digit: number) => Act,
 *   onArrow?: (form: HTMLFormElement, target: Element, by: -1 | 1) => Act,
 *   onLetter?: (form: HTMLFormElement, target: Element, letter: string) => Act,
 * }} Protocol
 */

/** @param {HTMLFormElement} form @param {string} name */
const chosen = (form, name) => one(`[name="${name}"]:checked`, form)?.value ?? "";

/** @param {HTMLFormElement} form @param {string} name @param {any} value */
export function check(form, name, value) {
  for (const radio of all(`input[type=radio][name="${name}"]`, form)) radio.checked = radio.value === String(value);
}

/** @param {string} name @param {string} sentence @returns {Protocol["missing"]} */
const radioMissing = (name, sentence) => (form) =>
  chosen(form, name) ? null : { sentence, at: one(`[name="${name}"]`, form) };

/** @type {Record<string, Protocol>} */
const protocols = {
  pairwise: {
    read: (form) => {
      const preference = chosen(form, "preference");
      const better = preference === "1" || preference === "2";
      return { preference, strength: better ? Number(chosen(form, "strength")) || null : null };
    },
    fill: (form, values) => {
      check(form, "preference", values.preference);
      check(form, "strength", values.strength);
    },
    changed: (form, target) => {
      const little = target.matches("[name=preference]") && one("[name=strength]", form);
      if (little && !one("[name=strength]:checked", form)) little.checked = true;
    },
    missing: radioMissing("preference", "Choose one of the four answers first."),
  },
  rating: {
    read: (form) => ({ rating: Number(chosen(form, "rating")) || null }),
    fill: (form, values) => check(form, "rating", values.rating),
    missing: radioMissing("rating", "Choose a point of the scale first."),
  },
};

/** Fetched when a task first asks for them: most campaigns compare pairs. @type {Record<string, () => Promise<Protocol>>} */
const others = { ranking: () => import("./ranking.js"), spans: () => import("./spans.js") };

/** @param {Element} card What its protocol needs is there afterwards. */
export async function load(card) {
  const name = one("[data-answer]", card)?.dataset.protocol;
  if (name && !protocols[name]) protocols[name] = await others[name]();
}

/** @param {HTMLFormElement} form @returns {Protocol} */
export const protocolOf = (form) => protocols[form.dataset.protocol ?? ""];

/** @param {Element} card A task is about to appear. */
export function prepare(card) {
  const form = one("[data-answer]", card);
  protocolOf(form).prepare?.(form);
}
