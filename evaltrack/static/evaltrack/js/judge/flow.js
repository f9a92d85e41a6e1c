// @ts-check
/** What follows what: send what was judged, say which task is on the screen, fetch one more. */

import * as answer from "./answer.js";
import * as drafts from "./drafts.js";
import { isAway } from "./elsewhere.js";
import * as outbox from "./outbox.js";
import { alarm, keep, one, saveState, say, settings } from "./page.js";
import { signInAgain } from "./session.js";
import * as stage from "./stage.js";
import { api, OtherPerson, SignedOut, Unreachable, verify } from "./wire.js";

const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 60_000;
const LAST = `evaltrack-last-${settings.outbox}`;

/** The last task that was answered: it can be taken back. @type {{ entry: outbox.Entry, card: HTMLElement | null } | null} */
let last = null;
/** @type {Promise<void> | null} */
let running = null;
let again = false;
let retryTimer = 0;
let retryMs = FIRST_RETRY_MS;
let offline = false;
/** The panel on the screen may be out of date: ask for the next task. */
let asksNext = false;

export const lastAnswered = () => last;

/** @param {typeof last} what */
export function remember(what) {
  last = what;
  keep(LAST, what?.entry ?? null, sessionStorage);
}

/** Do all that is due, one after the other; called whenever something has happened. */
export function pump() {
  again = true;
  running ??= run().finally(() => (running = null));
  return running;
}

async function run() {
  while (again) {
    again = false;
    try {
      await verify();
      await steps();
      backOnline();
    } catch (error) {
      if (error instanceof Unreachable) return wait();
      if (error instanceof OtherPerson) return leave();
      if (!(error instanceof SignedOut)) throw error;
      alarm("");
      saveState("offline", "Signed out");
      await signInAgain();
      saveState("");
      say("Signed in again.");
      again = true;
    }
  }
}

async function steps() {
  const sent = await outbox.flush(deliver);
  if (sent) {
    saveState("saved");
    if (offline) say(`Back online, ${sent} judgment${sent === 1 ? "" : "s"} sent.`);
  }
  if (isAway()) return;
  if (asksNext) await next();
  const card = stage.task();
  if (card?.dataset.shown === "0") await activate(card);
  const shown = stage.task();
  if (shown?.dataset.shown !== "1" || stage.fetchedAhead()) return;
  const following = await stage.fetchNext({ prefetch: true });
  // Meanwhile something may have been taken back, and what had its place waits there.
  if (!stage.fetchedAhead()) stage.holdAhead(following);
}

async function next() {
  const found = await stage.fetchNext();
  if (!found) return stage.stop("Nothing for you right now", "The queue gave no task.", "Look again", askNext);
  asksNext = false;
  const same = found.dataset.nothing && found.dataset.nothing === stage.shown().dataset.nothing;
  if (!same) stage.show(found);
  const seconds = Number(found.dataset.retryS);
  if (seconds) setTimeout(() => stage.task() || askNext(), seconds * 1000);
}

/** Whatever is on the screen has had its time. */
export function askNext() {
  asksNext = true;
  pump();
}

/** @param {HTMLElement} card */
async function activate(card) {
  const { status, body } = await api(`assignments/${card.dataset.assignment}/activate`);
  if (status === 200) {
    card.dataset.shown = "1";
    return drafts.save();
  }
  await ended(card, status, body);
}

/**
 * The task on the screen is not asked for any more, or not this person's.
 * @param {HTMLElement} card
 * @param {number} status
 * @param {any} body
 */
export async function ended(card, status, body) {
  if (stage.task() !== card) return;
  const title = body.code === "paused" ? "Paused" : "This task has ended";
  if (status === 410) return stage.stop(title, body.detail, "Look for another task", askNext);
  say(body.detail);
  asksNext = true;
  await next();
}

/**
 * @param {outbox.Entry} entry
 * @returns {Promise<true | string>}
 */
async function deliver(entry) {
  if (entry.guessOf) {
    // Of an answer that was taken back meanwhile there is nothing to guess.
    await api(`judgments/${entry.guessOf}/guess`, entry.body);
    return true;
  }
  const at = `assignments/${entry.assignment}`;
  saveState("saving");
  let { status, body } = await api(`${at}/judgment`, entry.body);
  if (status === 409 && body.code === "not_shown") {
    // It was answered before the server could be told that it is on the screen.
    ({ status, body } = await api(`${at}/activate`));
    if (status === 200) ({ status, body } = await api(`${at}/judgment`, entry.body));
  }
  if (status < 300) return true;
  const sentence = `Task ${entry.number}: ${body.detail ?? "the server did not take it."}`;
  if (status === 403) {
    alarm(sentence);
    return sentence;
  }
  // Its answer stands in the form again when the task does.
  if (status === 409) drafts.setAside(entry.assignment, entry.body);
  if (body.code === "rubric_changed") return reread(entry, body.detail);
  if (last?.entry.judgment_id === entry.judgment_id) {
    const { card } = last;
    hideUndo();
    if (status === 400 && card) {
      back(card, entry.judgment_id, false);
      answer.problem(card, body.detail);
      return true;
    }
  }
  saveState("");
  alarm(sentence);
  if (status === 410) await keepDraft(entry);
  return true;
}

/**
 * The task with the rubric as it is now, and what was answered by the one before.
 * @param {outbox.Entry} entry
 * @param {string} sentence
 * @returns {Promise<true>}
 */
async function reread(entry, sentence) {
  hideUndo();
  const card = await stage.fetchTask(entry.assignment);
  if (!card?.matches("[data-card]")) {
    alarm(`Task ${entry.number}: ${sentence}`);
    return true;
  }
  // Whatever was fetched ahead shows the rubric as it was; it is fetched anew.
  stage.holdAhead(null);
  asksNext = false;
  stage.show(card);
  answer.problem(card, sentence);
  say(sentence);
  return true;
}

/** @param {outbox.Entry} entry A paused task comes back, and with it what was answered. */
async function keepDraft({ assignment, body }) {
  const { judgment_id: _, active_ms: __, rubric_version: ___, ...draft } = body;
  await drafts.post(assignment, draft);
}

export function hideUndo() {
  remember(null);
  one("#toast").hidden = true;
}

/**
 * A task is on the screen again; what took its place waits.
 * @param {HTMLElement} card
 * @param {string} judgmentId
 * @param {boolean} wasSent Then the server has put what took its place back, and let go what was fetched ahead.
 */
export function back(card, judgmentId, wasSent) {
  const current = stage.task();
  if (current) {
    if (wasSent) current.dataset.shown = "0";
    stage.holdAhead(current);
  } else if (wasSent) stage.holdAhead(null);
  asksNext = false;
  answer.field(card, "judgment_id").value = judgmentId;
  card.dataset.shown = "1";
  stage.show(card);
}

function wait() {
  offline = true;
  const count = outbox.waiting().length;
  const waiting = count ? `, ${count} judgment${count === 1 ? "" : "s"} waiting` : "";
  alarm(`Offline${waiting}. What you do is kept in this browser and sent when the connection is back.`, {
    label: "Try now",
    act: pump,
  });
  saveState("offline");
  if (asksNext && !stage.task()) {
    stage.stop("Offline", `There is no further task in this browser${waiting}. Nothing is lost: it goes on by itself when the connection is back.`, "Try now", pump);
  }
  clearTimeout(retryTimer);
  retryTimer = setTimeout(pump, retryMs);
  retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
}

function backOnline() {
  clearTimeout(retryTimer);
  retryMs = FIRST_RETRY_MS;
  if (!offline) return;
  offline = false;
  alarm("");
  saveState("saved");
}

function leave() {
  stage.stop("Somebody else has signed in", "What you had not sent stays in this browser until you sign in again.", "To the queue", () => location.assign(settings.queue));
}
