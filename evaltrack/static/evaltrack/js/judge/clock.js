// @ts-check
/** How long somebody was at a task, and whether they still are. */

import { one } from "./page.js";

/** Who has not moved for so long is not reading. */
const IDLE_MS = 60_000;
const ASK_MS = 5 * 60_000;
const HEARTBEAT_MS = 30_000;
/** Keys and clicks so soon after a task appeared were meant for the one before. */
const GUARD_MS = 350;

/** @type {WeakMap<Element, number>} */
const active = new WeakMap();
/** @type {Element | null} */
let card = null;
let shownAt = performance.now();
let lastInput = shownAt;
let lastTick = shownAt;
let lastBeat = shownAt;
let counting = false;

/** Time counts while the page is seen, has the focus, and somebody is there. */
function tick() {
  const now = performance.now();
  if (counting && card) active.set(card, (active.get(card) ?? 0) + now - lastTick);
  lastTick = now;
  counting = document.visibilityState === "visible" && document.hasFocus() && now - lastInput < IDLE_MS;
}

/** @param {Element} shown A task has appeared; one that comes back goes on counting. */
export function begin(shown) {
  tick();
  card = shown;
  shownAt = lastInput = performance.now();
}

/** Whether the task has only just appeared. */
export const tooSoon = () => performance.now() - shownAt < GUARD_MS;

/** For how long it has stood there. */
export const seenMs = () => performance.now() - shownAt;

/** @param {Element} of */
export function activeMs(of) {
  tick();
  return active.get(of) ?? 0;
}

/** For how long nothing has been pressed or moved. */
export const idleMs = () => performance.now() - lastInput;

export const touched = () => (lastInput = performance.now());

/**
 * @param {() => void} beat Called while somebody is there, to keep the task theirs.
 */
export function watch(beat) {
  const dialog = one("#idle");
  for (const name of ["keydown", "pointermove", "pointerdown", "wheel", "scroll", "input"]) {
    document.addEventListener(name, touched, { passive: true, capture: true });
  }
  for (const name of ["focus", "blur"]) window.addEventListener(name, tick);
  document.addEventListener("visibilitychange", tick);
  dialog.addEventListener("close", () => {
    touched();
    beat();
  });
  setInterval(() => {
    tick();
    const now = performance.now();
    if (counting && now - lastBeat > HEARTBEAT_MS) {
      lastBeat = now;
      beat();
    }
    if (now - lastInput > ASK_MS && !one("dialog[open]") && one("#stage [data-card]")) dialog.showModal();
  }, 1000);
}
