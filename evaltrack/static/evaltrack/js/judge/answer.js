// @ts-check
/** The form of a task: what was chosen and written, and whether that is complete. */

import { all, one } from "./page.js";

const PREFIX = "answer-";
/** Nobody reads faster, in words a second; and texts shorter than this are read at a glance. */
const FASTEST = 20;
const SHORT = 200;

/** @typedef {{ preference?: string, strength?: number | null, comment?: string, answers?: Record<string, string> }} Given */

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
  const better = values.preference === "1" || values.preference === "2";
  return {
    preference: /** @type {string} */ (values.preference ?? ""),
    strength: better && values.strength ? Number(values.strength) : null,
    comment: /** @type {string} */ (values.comment ?? ""),
    answers: Object.fromEntries(answers.map((name) => [name.slice(PREFIX.length), String(values[name])])),
  };
}

/** @param {string} choice */
const asSent = (choice) => (choice === "1" || choice === "2" ? Number(choice) : choice);

/**
 * The body of the judgment, as the API takes it.
 * @param {Element} card
 * @param {number} activeMs
 */
export function judgment(card, activeMs) {
  const { preference = "", answers = {}, ...rest } = given(card);
  return {
    ...rest,
    judgment_id: field(card, "judgment_id").value,
    preference: asSent(preference),
    answers: Object.fromEntries(Object.entries(answers).map(([name, choice]) => [name, asSent(choice)])),
    active_ms: Math.round(activeMs),
  };
}

/**
 * @param {Element} card
 * @param {Given} values
 */
export function fill(card, values) {
  const named = Object.entries(values.answers ?? {}).map(([name, choice]) => [PREFIX + name, choice]);
  for (const [name, value] of [["preference", values.preference], ["strength", values.strength], ...named]) {
    for (const radio of all("input[type=radio]", formOf(card))) {
      if (radio.name === name) radio.checked = radio.value === String(value);
    }
  }
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
  if (!preference) return { sentence: "Choose one of the four answers first.", at: one("[name=preference]", form) };
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
  const words = all("[data-pane] [data-rendered]", card).reduce((n, text) => n + text.textContent.split(/\s+/).length, 0);
  let sentence = "";
  if (one(".tabs", card).dataset.live && one(".unseen:not([hidden])", card)) {
    sentence = "You have not opened Response 2 yet. Submit again to send this all the same.";
  } else if (words > SHORT && seenMs < (words / FASTEST) * 1000) {
    sentence = `You took ${Math.max(1, Math.round(seenMs / 1000))} s for ${words} words. Submit again to send this all the same.`;
  }
  if (sentence) card.dataset.asked = "1";
  return sentence;
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
