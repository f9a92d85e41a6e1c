// @ts-check
/** The main part of an answer, by protocol: how it is read from the form, filled in, and what is missing of it. */

import { all, one } from "./page.js";
import * as ranking from "./ranking.js";
import * as spans from "./spans.js";

/**
 * @typedef {{
 *   prepare?: (form: HTMLFormElement) => void,
 *   read: (form: HTMLFormElement) => Record<string, any>,
 *   fill: (form: HTMLFormElement, values: any) => void,
 *   missing: (form: HTMLFormElement) => { sentence: string, at: HTMLElement } | null,
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
    missing: radioMissing("preference", "Choose one of the four answers first."),
  },
  rating: {
    read: (form) => ({ rating: Number(chosen(form, "rating")) || null }),
    fill: (form, values) => check(form, "rating", values.rating),
    missing: radioMissing("rating", "Choose a point of the scale first."),
  },
  ranking,
  spans,
};

/** @param {HTMLFormElement} form @returns {Protocol} */
export const protocolOf = (form) => protocols[form.dataset.protocol ?? ""];

/** @param {Element} card A task is about to appear. */
export function prepare(card) {
  const form = one("[data-answer]", card);
  protocolOf(form).prepare?.(form);
}
