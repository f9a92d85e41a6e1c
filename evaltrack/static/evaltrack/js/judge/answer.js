// @ts-check
/** The form of a task: what was chosen and written, and whether that is complete. */

import { all, one } from "./page.js";
import { check, protocolOf } from "./protocols.js";

const PREFIX = "answer-";
/** Nobody reads faster, in words a second; and texts shorter than this are read at a glance. */
const FASTEST = 20;
const SHORT = 200;

/** @typedef {Record<string, any> & { comment?: string, answers?: Record<string, string> }} Given */

/**
 * @param {Element} card
 * @returns {HTMLFormElement}
 */
export const formOf = (card) => one("[data-answer]", card);

/** @param {Element} card @param {string} name */
export const field = (card, name) => /** @type {HTMLInputElement} */ (formOf(card).elements.namedItem(name));

/**
 * @param {Element} card
 * @returns {Given}
 */
export function given(card) {
  const values = Object.fromEntries(new FormData(formOf(card)));
  const answers = Object.keys(values).filter((name) => name.startsWith(PREFIX));
  return {
    ...protocolOf(formOf(card)).read(formOf(card)),
    comment: /** @type {string} */ (values.comment ?? ""),
    answers: Object.fromEntries(answers.map((name) => [name.slice(PREFIX.length), String(values[name])])),
  };
}

/** @param {any} choice Numbers name places or points; the rest are words or more. */
const asSent = (choice) => (typeof choice === "string" && /^\d+$/.test(choice) ? Number(choice) : choice);

/**
 * The body of the judgment, as the API takes it.
 * @param {Element} card
 * @param {number} activeMs
 */
export function judgment(card, activeMs) {
  const { comment, answers = {}, ...said } = given(card);
  return {
    comment,
    ...Object.fromEntries(Object.entries(said).map(([name, value]) => [name, asSent(value)])),
    judgment_id: field(card, "judgment_id").value,
    rubric_version: Number(field(card, "rubric_version").value),
    answers: Object.fromEntries(Object.entries(answers).map(([name, choice]) => [name, asSent(choice)])),
    active_ms: Math.round(activeMs),
  };
}

/**
 * @param {Element} card
 * @param {Given} values
 */
export function fill(card, values) {
  const form = formOf(card);
  protocolOf(form).fill(form, values);
  for (const [name, choice] of Object.entries(values.answers ?? {})) check(form, PREFIX + name, choice);
  field(card, "comment").value = values.comment ?? "";
}

/**
 * What keeps the answer from being sent, with the place where to mend it.
 * @param {Element} card
 * @returns {{ sentence: string, at: HTMLElement } | null}
 */
export function missing(card) {
  const { preference, strength, comment = "", answers = {} } = given(card);
  const form = formOf(card);
  const lacking = protocolOf(form).missing(form);
  if (lacking) return lacking;
  for (const group of all("[data-criterion]", form)) {
    if (answers[group.dataset.criterion]) continue;
    const question = one("legend", group).firstChild?.textContent.trim();
    return { sentence: `Answer this too: ${question}`, at: one("input", group) };
  }
  const rules = (form.dataset.wantsReason ?? "").split(" ");
  const wanted =
    rules.includes("always") ||
    (rules.includes("both_bad") && preference === "both_bad") ||
    (rules.includes("much_better") && strength === 2);
  if (!wanted || comment.trim()) return null;
  return { sentence: "This rubric asks why for such an answer. Write a reason.", at: field(card, "comment") };
}

/**
 * What is odd about the answer; asked once for each task.
 * @param {HTMLElement} card
 * @param {number} seenMs
 */
export function doubt(card, seenMs) {
  if (card.dataset.asked) return "";
  const sentence = oddity(card, seenMs);
  if (sentence) card.dataset.asked = "1";
  return sentence;
}

/** @param {HTMLElement} card @param {number} seenMs */
function oddity(card, seenMs) {
  const form = formOf(card);
  const own = protocolOf(form).doubt?.(form);
  if (own) return own;
  const unseen = one(".tabs[data-live] [data-tab]:has(.unseen:not([hidden]))", card);
  if (unseen) return `You have not opened Response ${unseen.dataset.tab} yet. Submit again to send this all the same.`;
  const words = all("[data-pane] [data-rendered]", card).reduce((n, text) => n + text.textContent.split(/\s+/).length, 0);
  if (words <= SHORT || seenMs >= (words / FASTEST) * 1000) return "";
  return `You took ${Math.max(1, Math.round(seenMs / 1000))} s for ${words} words. Submit again to send this all the same.`;
}

/**
 * @param {Element} card
 * @param {string} sentence An empty one takes the problem away.
 */
export function problem(card, sentence) {
  const place = one("[data-problem]", card);
  place.textContent = sentence;
  place.hidden = !sentence;
}
