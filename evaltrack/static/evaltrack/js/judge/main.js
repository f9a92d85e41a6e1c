// @ts-check
/** The judging screen. The forms work without all of this; with it, the next task stands there at once. */

import * as answer from "./answer.js";
import * as clock from "./clock.js";
import * as drafts from "./drafts.js";
import * as elsewhere from "./elsewhere.js";
import * as flow from "./flow.js";
import * as guess from "./guess.js";
import * as keys from "./keys.js";
import * as media from "./media.js";
import * as outbox from "./outbox.js";
import { alarm, csrf, kept, narrow, one, saveState, say, settings, toast } from "./page.js";
import * as panes from "./panes.js";
import { load, prepare, protocolOf } from "./protocols.js";
import * as rest from "./rest.js";
import * as stage from "./stage.js";
import { api, SignedOut, Unreachable } from "./wire.js";

const UNDO_MS = Number(settings.undoS) * 1000;
let busy = false;

// Until all is there, the forms are sent as the browser sends them.
const first = stage.task();
if (first) await load(first);

function submit() {
  const card = stage.task();
  if (!card || clock.tooSoon() || busy || elsewhere.isAway()) return;
  const lacking = answer.missing(card);
  const doubt = lacking ? "" : answer.doubt(card, clock.seenMs());
  const sentence = lacking?.sentence ?? doubt;
  answer.problem(card, sentence);
  if (sentence) {
    say(sentence);
    return lacking?.at.focus();
  }
  const number = card.dataset.number ?? "";
  const body = answer.judgment(card, clock.activeMs(card));
  const entry = { judgment_id: body.judgment_id, assignment: card.dataset.assignment ?? "", number, body, at: Date.now() };
  drafts.forget(card);
  if (!outbox.put(entry)) return plainPost(card, body.active_ms);
  flow.remember({ entry, card });
  stage.answered(card);
  saveState("saving");
  const goOn = () => {
    advance(`Task ${number} saved.`, " Press Z to undo.");
    toast(`Task ${number} saved.`);
  };
  if (!("asksGuess" in card.dataset)) return goOn();
  // Neither shown nor fetched ahead: nothing more is asked of the server about it.
  card.dataset.shown = "";
  guess.ask(entry, goOn);
}

/**
 * The task that was fetched ahead, or the word that one is coming.
 * @param {string} done
 * @param {string} [hint]
 */
function advance(done, hint = "") {
  const following = stage.fetchedAhead();
  if (following) stage.show(following);
  else stage.stop("One moment", "The next task is being fetched.", "Look again", flow.pump);
  say(`${done} ${one("h1", stage.shown()).textContent}.${hint}`);
  // Painted first, then sent.
  requestAnimationFrame(() => setTimeout(() => (stage.task() ? flow.pump() : flow.askNext())));
}

/** Where the browser keeps nothing: send, and wait. @param {Element} card @param {number} activeMs */
function plainPost(card, activeMs) {
  const form = answer.formOf(card);
  one("[name=active_ms]", form).value = String(activeMs);
  one("[name=csrfmiddlewaretoken]", form).value = csrf();
  busy = true;
  form.submit();
}

async function undo() {
  const last = flow.lastAnswered();
  if (!last || busy || Date.now() - last.entry.at > UNDO_MS) return say("There is nothing to undo.");
  busy = true;
  try {
    const { judgment_id: id, assignment, number, body } = last.entry;
    outbox.take(guess.idOf(id));
    if (outbox.take(id) && last.card) {
      flow.back(last.card, id, false);
    } else {
      // First the server hears what took this one's place: told after the undoing, it would end this one again.
      await flow.pump();
      const { status, body: answered } = await api(`judgments/${id}/undo`);
      if (status !== 200) return alarm(answered.detail);
      const card = last.card ?? (await stage.fetchTask(assignment));
      if (!card) return flow.askNext();
      if (!last.card) answer.fill(card, body);
      flow.back(card, answered.judgment_id, true);
    }
    flow.hideUndo();
    say(`Task ${number} reopened.`);
    flow.pump();
  } catch (error) {
    failed(error, "Undoing needs a connection. Try again in a moment.");
  } finally {
    busy = false;
  }
}

/** @param {HTMLFormElement} form */
async function skip(form) {
  const card = stage.task();
  const reason = String(new FormData(form).get("reason") ?? "");
  if (!card || busy || !reason) return one("input", form).focus();
  busy = true;
  try {
    // What was judged before goes first, and the server knows what is on the screen.
    await flow.pump();
    const { status, body } = await api(`assignments/${card.dataset.assignment}/skip`, { reason });
    form.closest("[popover]")?.hidePopover();
    if (status >= 400) return await flow.ended(card, status, body);
    drafts.forget(card);
    advance(`Task ${card.dataset.number} skipped.`);
  } catch (error) {
    failed(error, "Skipping needs a connection. Try again in a moment.");
  } finally {
    busy = false;
  }
}

/** @param {unknown} error @param {string} sentence */
function failed(error, sentence) {
  if (error instanceof SignedOut) flow.pump();
  else if (error instanceof Unreachable) alarm(sentence);
  else throw error;
}

/** The task stays with who is reading it. */
async function beat() {
  const card = stage.task();
  if (card?.dataset.shown !== "1" || elsewhere.isAway()) return;
  try {
    const { status, body } = await api(`assignments/${card.dataset.assignment}/heartbeat`);
    if (status === 410) await flow.ended(card, status, body);
  } catch (error) {
    if (error instanceof SignedOut) flow.pump();
  }
}

function changed() {
  const card = stage.task();
  if (!card) return;
  answer.problem(card, "");
  drafts.changed(card);
}

// Before the browser and app.js: forms of the task are sent from here.
document.addEventListener(
  "submit",
  (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches("[data-answer], [data-skip-form]")) return;
    event.preventDefault();
    if (form.matches("[data-answer]")) submit();
    else skip(form);
  },
  { capture: true },
);
document.addEventListener("input", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (!target.closest("[data-answer]")) return;
  const card = stage.task();
  if (card) protocolOf(answer.formOf(card)).changed?.(answer.formOf(card), target);
  changed();
});
document.addEventListener("focusout", (event) => {
  if (/** @type {Element} */ (event.target).matches("textarea")) drafts.save();
});
document.addEventListener("click", (event) => {
  const pressed = /** @type {Element} */ (event.target);
  const card = stage.task();
  if (pressed.closest("[data-undo]")) undo();
  if (!card) return;
  const tab = /** @type {HTMLElement | null} */ (pressed.closest("[data-tab]"));
  if (tab) panes.open(card, tab.dataset.tab ?? "1");
  if (pressed.closest("[data-raw]")) panes.toggleRaw(card);
  if (pressed.closest("[data-whole]")) panes.toggleFold(card);
  protocolOf(answer.formOf(card)).pressed?.(answer.formOf(card), pressed);
  const link = pressed.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.matches(".citation, [data-back]")) panes.reveal(card, link);
  if (!link.matches("[data-enlarge]")) return;
  event.preventDefault();
  media.enlarge(link);
});
document.addEventListener("selectionchange", () => {
  const card = stage.task();
  if (card) protocolOf(answer.formOf(card)).selected?.(card);
});
document.addEventListener("keydown", (event) => {
  const card = stage.task();
  if (card && /** @type {Element} */ (event.target).matches("[data-tab]")) panes.arrows(card, event);
});
narrow.addEventListener("change", () => {
  const card = stage.task();
  if (card) panes.prepare(card);
});
window.addEventListener("online", flow.pump);
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
window.addEventListener("pagehide", () => {
  drafts.save();
  const waiting = stage.fetchedAhead()?.dataset.assignment;
  if (waiting && !elsewhere.isAway()) api(`assignments/${waiting}/release`).catch(() => {});
});

if (first) {
  const early = document.activeElement !== document.body;
  panes.prepare(first);
  prepare(first);
  media.prepare(first);
  drafts.restore(first);
  first.dataset.begun = "1";
  clock.begin(first);
  if (!early) one("h1", first).focus({ preventScroll: true });
  // Loaded while its answer was still on its way.
  if (outbox.holds(answer.field(first, "judgment_id").value)) {
    stage.stop("One moment", "The next task is being fetched.", "Look again", flow.pump);
    flow.askNext();
  }
}
const before = kept(`evaltrack-last-${settings.outbox}`, null, sessionStorage);
if (before) flow.remember({ entry: before, card: null });
drafts.forgetOld();
keys.listen({ submit: () => submit(), undo });
clock.watch(beat);
rest.suggest();
elsewhere.takeOver(() => drafts.save());
requestAnimationFrame(() => setTimeout(flow.pump));
