// @ts-check
/** The screen of a conflict. Its form is sent as it stands; with this there are keys, and nothing typed gets lost. */

import * as answer from "./answer.js";
import * as clock from "./clock.js";
import * as keys from "./keys.js";
import * as media from "./media.js";
import { alarm, all, keep, kept, narrow, one, say } from "./page.js";
import * as panes from "./panes.js";
import { load, prepare, protocolOf } from "./protocols.js";
import { api, SignedOut, Unreachable } from "./wire.js";

const PREFIX = "evaltrack-hearing-";
const card = one("#stage [data-card]");
const form = answer.formOf(card);
const key = PREFIX + card.dataset.hearing;
let sent = false;

await load(card);

/** What stands in the form, beside the answer. */
const more = () => ({
  cause: one("[name=cause]:checked", form)?.value ?? "",
  unclear: one("[name=guideline_unclear]", form).checked,
  note: one("[name=guideline_note]", form).value,
});

function save() {
  keep(key, { ...more(), given: answer.given(card) });
}

/** What was written before the session ended, or the page was left. */
function restore() {
  for (const name of Object.keys(localStorage)) if (name.startsWith(PREFIX) && name !== key) keep(name, null);
  const before = kept(key, null);
  // A form that came back filled in is newer.
  if (!before || !one("[data-problem]", card).hidden) return;
  answer.fill(card, before.given);
  for (const radio of all("[name=cause]", form)) radio.checked = radio.value === before.cause;
  one("[name=guideline_unclear]", form).checked = before.unclear;
  one("[name=guideline_note]", form).value = before.note;
}

/** @returns {{ sentence: string, at: HTMLElement } | null} */
function missing() {
  const { cause, unclear, note } = more();
  const lacking = cause === "broken" ? null : answer.missing(card);
  if (lacking) return lacking;
  if (!cause) return { sentence: "Say why they disagreed.", at: one("[name=cause]", form) };
  if ((unclear || cause === "guideline") && !note.trim()) {
    return { sentence: "Say what the guidance should say.", at: one("[name=guideline_note]", form) };
  }
  return null;
}

function submit() {
  if (sent || clock.tooSoon()) return;
  const lacking = missing();
  answer.problem(card, lacking?.sentence ?? "");
  if (lacking) {
    say(lacking.sentence);
    return lacking.at.focus();
  }
  sent = true;
  answer.field(card, "active_ms").value = String(Math.round(clock.activeMs(card)));
  save();
  form.submit();
}

async function beat() {
  try {
    const { status, body } = await api(`hearings/${card.dataset.hearing}/heartbeat`);
    if (status >= 400) alarm(body.detail);
  } catch (error) {
    if (error instanceof SignedOut) alarm("Your session has ended. What you wrote is kept in this browser; sign in again.");
    else if (!(error instanceof Unreachable)) throw error;
  }
}

function toCauses() {
  (one("[name=cause]:checked", form) ?? one("[name=cause]", form)).focus();
}

function toNote() {
  const box = one("[name=guideline_unclear]", form);
  box.checked = !box.checked;
  save();
  (box.checked ? one("[name=guideline_note]", form) : box).focus();
}

document.addEventListener(
  "submit",
  (event) => {
    const submitter = /** @type {SubmitEvent} */ (event).submitter;
    if (event.target !== form || submitter?.matches("[name=mark], [name=unmark]")) return;
    event.preventDefault();
    submit();
  },
  { capture: true },
);
document.addEventListener("input", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (!target.closest("[data-answer]")) return;
  if (target.closest("[data-answer]") && !target.closest("[data-causes], .unclear")) {
    protocolOf(form).changed?.(form, target);
  }
  answer.problem(card, "");
  save();
});
document.addEventListener("click", (event) => {
  const pressed = /** @type {Element} */ (event.target);
  const tab = /** @type {HTMLElement | null} */ (pressed.closest("[data-tab]"));
  if (tab) panes.open(card, tab.dataset.tab ?? "1");
  if (pressed.closest("[data-raw]")) panes.toggleRaw(card);
  if (pressed.closest("[data-whole]")) panes.toggleFold(card);
  protocolOf(form).pressed?.(form, pressed);
  const link = pressed.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.matches(".citation, [data-back]")) panes.reveal(card, link);
  if (!link.matches("[data-enlarge]")) return;
  event.preventDefault();
  media.enlarge(link);
});
document.addEventListener("selectionchange", () => protocolOf(form).selected?.(card));
document.addEventListener("keydown", (event) => {
  if (/** @type {Element} */ (event.target).matches("[data-tab]")) panes.arrows(card, event);
});
narrow.addEventListener("change", () => panes.prepare(card));
window.addEventListener("pageshow", (event) => event.persisted && location.reload());

panes.prepare(card);
media.prepare(card);
restore();
prepare(card);
clock.begin(card);
keys.listen({
  submit,
  undo: () => say("What was settled cannot be undone."),
  letters: { w: toCauses, u: toNote, h: () => one("[data-heard]", card).focus() },
});
clock.watch(beat);
const problem = one("[data-problem]:not([hidden])", card);
if (problem) say(problem.textContent ?? "");
if (document.activeElement === document.body) one("h1", card).focus({ preventScroll: true });
