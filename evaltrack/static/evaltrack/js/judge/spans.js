// @ts-check
/**
 * Errors marked in the raw text of a response, as ranges of Unicode code points of the stored text. Where the markup
 * cannot show a code point as it is, an element with data-point stands for it.
 */

import { all, one, say } from "./page.js";

/** @typedef {{ start: number, end: number, reason: string, severity?: string, note?: string }} Span */

const SHORTEST = 60;
/** What was selected last in the text of this form. @type {WeakMap<Element, { start: number, end: number }>} */
const ranges = new WeakMap();
let number = 0;

/** @param {Element} form @returns {HTMLElement} */
const textOf = (form) => one("[data-exact]", form.closest("[data-card]") ?? document);

/** The parts of the text in their order: text nodes, and elements that stand for one code point. @param {Node} within @returns {Node[]} */
const parts = (within) => [...within.childNodes];

/** @param {Node} part */
const lengthOf = (part) => (part.nodeType === Node.TEXT_NODE ? [...(part.textContent ?? "")].length : 1);

/**
 * How many code points stand before a place in the document.
 * @param {HTMLElement} text
 * @param {Node} node
 * @param {number} offset
 */
function pointsBefore(text, node, offset) {
  let count = 0;
  for (const [index, part] of parts(text).entries()) {
    if (node === text && index === offset) return count;
    if (part === node) return count + [...(part.textContent ?? "").slice(0, offset)].length;
    // Inside of what stands for one code point: before it at its beginning, else after it.
    if (part.contains(node)) return count + (offset > 0 ? 1 : 0);
    count += lengthOf(part);
  }
  return count;
}

/**
 * The place in the document before which so many code points stand.
 * @param {HTMLElement} text
 * @param {number} points
 * @returns {[Node, number]}
 */
function placeAt(text, points) {
  let left = points;
  for (const [index, part] of parts(text).entries()) {
    const length = lengthOf(part);
    if (left < length || (left === length && part.nodeType === Node.TEXT_NODE)) {
      if (part.nodeType !== Node.TEXT_NODE) return [text, index];
      return [part, [...(part.textContent ?? "")].slice(0, left).join("").length];
    }
    left -= length;
  }
  return [text, text.childNodes.length];
}

/** @param {HTMLElement} text @param {{ start: number, end: number }} span */
function rangeOf(text, { start, end }) {
  const range = document.createRange();
  range.setStart(...placeAt(text, start));
  range.setEnd(...placeAt(text, end));
  return range;
}

/** @param {Element} form @returns {Span[]} */
function spansOf(form) {
  try {
    return JSON.parse(one("[name=spans]", form).value || "[]");
  } catch {
    return [];
  }
}

/** @param {HTMLFormElement} form @param {Span[]} spans */
function keep(form, spans) {
  spans.sort((a, b) => a.start - b.start || a.end - b.end);
  one("[name=spans]", form).value = JSON.stringify(spans);
  if (spans.length) one("[name=no_error]", form).checked = false;
  draw(form);
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The list of marks, and the marks in the text. @param {HTMLFormElement} form */
function draw(form) {
  const text = textOf(form);
  const spans = spansOf(form);
  one("[data-marked]", form).replaceChildren(...spans.map((span) => rowOf(form, text, span)));
  const shown = text.closest("#stage") && "highlights" in CSS;
  if (shown) CSS.highlights.set("marked", new Highlight(...spans.map((span) => rangeOf(text, span))));
}

/** @param {Element} form @param {HTMLElement} text @param {Span} span */
function rowOf(form, text, span) {
  const row = one("[data-span-row]", form).content.firstElementChild.cloneNode(true);
  const quote = rangeOf(text, span).toString();
  one("[data-quote]", row).textContent = quote.length > SHORTEST ? `${quote.slice(0, SHORTEST)}…` : quote;
  one("[data-unmark]", row).setAttribute("aria-label", `Remove the mark of ${quote}`);
  number += 1;
  for (const radio of all("[data-reason]", row)) {
    radio.name = `span-${number}`;
    radio.checked = radio.value === span.reason;
  }
  for (const field of all("[data-of-span]", row)) field.value = span[/** @type {"note"} */ (field.dataset.ofSpan)] ?? "";
  return row;
}

/** What is selected in the text, if anything; it is remembered, as a tap on a button may end a selection. @param {Element} text */
function remember(text) {
  const selection = getSelection();
  if (!selection?.rangeCount) return;
  const range = selection.getRangeAt(0);
  if (!text.contains(range.startContainer) || !text.contains(range.endContainer)) return;
  const [start, end] = [
    pointsBefore(text, range.startContainer, range.startOffset),
    pointsBefore(text, range.endContainer, range.endOffset),
  ];
  if (start < end) ranges.set(text, { start, end });
  // A caret that was set anew means that the old selection is not meant any more.
  else if (document.activeElement === text) ranges.delete(text);
}

/** @param {Element} card */
export function selected(card) {
  const text = one("[data-exact]", card);
  if (text) remember(text);
}

/** @param {HTMLFormElement} form @param {number | string} which A reason by its place or its id. */
function mark(form, which) {
  const reasons = all("[data-mark]", form);
  const button = reasons.find((each, index) => each.dataset.mark === which || index + 1 === which);
  const text = textOf(form);
  // Whoever types fast presses this before the browser has told of the selection.
  remember(text);
  const where = ranges.get(text);
  if (!button) return;
  if (!where) return say("Select the words that are wrong first.");
  const { mark: reason, severity } = button.dataset;
  const spans = spansOf(form);
  const quote = rangeOf(text, where).toString();
  if (spans.some((each) => each.start === where.start && each.end === where.end && each.reason === reason)) {
    return say("This is marked so already.");
  }
  keep(form, [...spans, { ...where, reason, ...(severity ? { severity } : {}) }]);
  ranges.delete(text);
  getSelection()?.collapseToEnd();
  say(`Marked: ${quote}. ${button.firstChild.textContent.trim()}. ${spans.length + 1} in all.`);
}

/** @param {HTMLFormElement} form @param {Element} row */
function unmark(form, row) {
  const at = all("[data-span]", form).indexOf(row);
  keep(form, spansOf(form).filter((_, index) => index !== at));
  const rows = all("[data-unmark]", form);
  (rows[Math.min(at, rows.length - 1)] ?? textOf(form)).focus();
  say(`Removed. ${rows.length} in all.`);
}

/** Reason, severity or note of one mark was changed in the list; or no error was found. @param {HTMLFormElement} form @param {any} field */
export function changed(form, field) {
  if (field.matches("[name=no_error]:checked")) return fill(form, { spans: [] });
  const at = all("[data-span]", form).indexOf(field.closest("[data-span]"));
  const spans = spansOf(form);
  if (!spans[at]) return;
  if (field.matches("[data-reason]")) spans[at].reason = field.value;
  else if (field.value) spans[at][/** @type {"note"} */ (field.dataset.ofSpan)] = field.value;
  else delete spans[at][/** @type {"note"} */ (field.dataset.ofSpan)];
  one("[name=spans]", form).value = JSON.stringify(spans);
}

/** @param {HTMLFormElement} form @param {Element} pressed */
export function pressed(form, pressed) {
  const reason = /** @type {HTMLElement | null} */ (pressed.closest("[data-mark]"));
  const marked = pressed.closest("[data-unmark]")?.closest("[data-span]");
  if (reason) mark(form, reason.dataset.mark ?? "");
  if (marked) unmark(form, marked);
}

/** @param {HTMLFormElement} form @param {number} digit */
export const onDigit = (form, digit) => () => mark(form, digit);

/** @param {HTMLFormElement} form @param {Element} _ @param {string} letter */
export const onLetter = (form, _, letter) => (letter === "n" ? () => one("[name=no_error]", form).click() : null);

/** The text gets a caret, so that keys can select in it; nothing that is typed changes it. @param {HTMLFormElement} form */
export function prepare(form) {
  const text = textOf(form);
  draw(form);
  if (text.isContentEditable) return;
  const says = { contenteditable: "true", inputmode: "none", role: "textbox", spellcheck: "false" };
  const means = { "aria-multiline": "true", "aria-readonly": "true", "aria-label": "Response, to select in" };
  for (const [name, value] of Object.entries({ ...says, ...means })) text.setAttribute(name, value);
  for (const event of ["beforeinput", "drop", "paste", "cut"]) text.addEventListener(event, (each) => each.preventDefault());
}

/** @param {HTMLFormElement} form */
export function read(form) {
  const spans = spansOf(form);
  return { spans: spans.length || one("[name=no_error]", form).checked ? spans : null };
}

/** @param {HTMLFormElement} form @param {{ spans?: Span[] | null }} values */
export function fill(form, { spans }) {
  one("[name=spans]", form).value = JSON.stringify(spans ?? []);
  one("[name=no_error]", form).checked = spans?.length === 0;
  draw(form);
}

/** @param {HTMLFormElement} form */
export function missing(form) {
  if (read(form).spans) return null;
  return { sentence: "Mark what is wrong, or say that you found no error.", at: one("[name=no_error]", form) };
}
