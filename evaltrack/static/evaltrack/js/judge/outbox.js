// @ts-check
/**
 * Judgments that are on their way, in the order in which they were made. They hold what the evaluator chose and
 * wrote, and nothing of a model. Each person has an outbox of their own.
 */

import { keep, kept, settings } from "./page.js";

/**
 * @typedef {{ judgment_id: string, assignment: string, number: string, body: any, at: number, stuck?: string, guessOf?: string }} Entry
 */

const KEY = `evaltrack-outbox-${settings.outbox}`;
const LONGEST_MS = 7 * 24 * 3600 * 1000;
let sending = "";

/** @returns {Entry[]} */
const entries = () => kept(KEY, []);

/** Those that can be sent. */
export const waiting = () => entries().filter((entry) => !entry.stuck);

/** @param {string} judgmentId */
export const holds = (judgmentId) => entries().some((entry) => entry.judgment_id === judgmentId);

/**
 * False where the browser keeps nothing.
 * @param {Entry} entry
 */
export function put(entry) {
  const others = entries().filter((each) => each.judgment_id !== entry.judgment_id);
  return keep(KEY, [...others, entry]) && holds(entry.judgment_id);
}

/** @param {string} judgmentId */
function drop(judgmentId) {
  keep(KEY, entries().filter((entry) => entry.judgment_id !== judgmentId));
}

/**
 * Take back what was not sent yet; false where it is too late for that.
 * @param {string} judgmentId
 */
export function take(judgmentId) {
  if (sending === judgmentId || !holds(judgmentId)) return false;
  drop(judgmentId);
  return true;
}

/**
 * Send all, one after the other, and one tab at a time. `deliver` answers whether the entry is done with, or why it
 * is stuck; where it throws, the entry stays for the next time.
 * @param {(entry: Entry) => Promise<true | string>} deliver
 * @returns {Promise<number>} How many were done with.
 */
export async function flush(deliver) {
  if (!waiting().length) return 0;
  const locks = navigator.locks;
  return locks ? locks.request(KEY, () => sendAll(deliver)) : sendAll(deliver);
}

/** @param {(entry: Entry) => Promise<true | string>} deliver */
async function sendAll(deliver) {
  let count = 0;
  keep(KEY, entries().filter((entry) => Date.now() - entry.at < LONGEST_MS));
  // Read anew each time: one may have been taken back, or added.
  for (let entry = waiting()[0]; entry; entry = waiting()[0]) {
    sending = entry.judgment_id;
    try {
      const outcome = await deliver(entry);
      if (outcome === true) drop(entry.judgment_id);
      else put({ ...entry, stuck: outcome });
      count += 1;
    } finally {
      sending = "";
    }
  }
  return count;
}
