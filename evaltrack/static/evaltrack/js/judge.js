// @ts-check
/** The judging screen's keys, its measure of active time, and drafts. The forms work without all of this. */

/** Keys and clicks so soon after a task appeared were meant for the one before. */
const GUARD_MS = 350;
/** How often the lease is renewed while somebody is there. */
const HEARTBEAT_MS = 30_000;
/** Who has not moved for so long is not reading. */
const IDLE_MS = 60_000;
const DRAFT = "evaltrack-draft-";

let shownAt = performance.now();
let lastInput = shownAt;
let lastTick = shownAt;
let counting = false;
let activeMs = 0;
/** Where the draft of the task on the screen is kept. */
let draft = "";

/**
 * @template {Element} T
 * @param {string} selector
 * @returns {T | null}
 */
const find = (selector) => document.querySelector(selector);

const form = () => /** @type {HTMLFormElement | null} */ (find("#answer"));

/** @param {HTMLFormElement} answer */
const draftKey = (answer) => DRAFT + /** @type {HTMLInputElement} */ (answer.elements.namedItem("judgment_id")).value;

/** Time counts while the page is seen, has the focus, and somebody is there. */
function tick() {
  const now = performance.now();
  if (counting) activeMs += now - lastTick;
  lastTick = now;
  counting = document.visibilityState === "visible" && document.hasFocus() && now - lastInput < IDLE_MS;
}

/** A task has appeared. */
function begin() {
  shownAt = lastInput = lastTick = performance.now();
  activeMs = 0;
  tick();
  const answer = form();
  const key = answer ? draftKey(answer) : "";
  if (key !== draft) forget(draft);
  draft = key;
  if (answer) restore(answer);
}

/** @param {string} key */
function forget(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Nothing was kept.
  }
}

/** @param {HTMLFormElement} answer */
function restore(answer) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(draft) || "{}");
    const comment = /** @type {HTMLTextAreaElement} */ (answer.elements.namedItem("comment"));
    if (kept.comment && !comment.value) comment.value = kept.comment;
    if (kept.preference) choose(answer, "preference", kept.preference);
  } catch {
    // A browser that keeps nothing, or an old draft: the task starts empty.
  }
}

function keep() {
  const answer = form();
  if (!answer) return;
  const { preference = "", comment = "" } = Object.fromEntries(new FormData(answer));
  try {
    sessionStorage.setItem(draftKey(answer), JSON.stringify({ preference, comment }));
  } catch {
    // Without storage there are no drafts; submitting works all the same.
  }
}

/**
 * @param {HTMLFormElement} within
 * @param {string} name
 * @param {string} value
 */
function choose(within, name, value) {
  for (const radio of /** @type {NodeListOf<HTMLInputElement>} */ (within.querySelectorAll(`[name=${name}]`))) {
    if (radio.value === value) radio.checked = true;
  }
}

/**
 * The nth choice of a form, by the place of its key, so that every keyboard layout has it.
 * @param {HTMLFormElement} within
 * @param {string} code
 */
function chooseByKey(within, code) {
  const radios = /** @type {NodeListOf<HTMLInputElement>} */ (within.querySelectorAll("input[type=radio]"));
  const radio = radios[Number(code.slice(-1)) - 1];
  if (!radio) return;
  radio.checked = true;
  radio.focus();
  keep();
}

/** The task stays with who is reading it. That it went to somebody else is said on submitting, with the way on. */
function heartbeat() {
  const answer = form();
  const token = /** @type {HTMLMetaElement | null} */ (find('meta[name="csrf-token"]'));
  if (!counting || !answer?.dataset.heartbeat || !token) return;
  fetch(answer.dataset.heartbeat, { method: "POST", headers: { "X-CSRFToken": token.content } }).catch(() => {});
}

/** @param {string} id */
function toggle(id) {
  const panel = /** @type {HTMLElement | null} */ (document.getElementById(id));
  const opened = panel?.togglePopover();
  if (panel && opened) /** @type {HTMLElement | null} */ (panel.querySelector("input[type=radio], button"))?.focus();
}

/** @param {EventTarget | null} target */
const writes = (target) => target instanceof Element && target.matches("textarea, select, input:not([type=radio])");

/** @param {KeyboardEvent} event */
function onKey(event) {
  lastInput = performance.now();
  if (event.isComposing || event.keyCode === 229) return;
  const skipping = /** @type {HTMLFormElement | null} */ (find("#skip:popover-open form"));
  const answer = skipping || form();
  if (event.key === "Enter") return onEnter(event, answer);
  if (event.key === "Escape" && writes(event.target)) return /** @type {HTMLElement} */ (event.target).blur();
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return;
  if (event.key === "?") return act(event, () => toggle("keys"));
  if (event.shiftKey) return;
  if (/^(Digit|Numpad)[1-4]$/.test(event.code) && answer) return act(event, () => chooseByKey(answer, event.code));
  const letter = event.key.toLowerCase();
  if (letter === "s") act(event, () => toggle("skip"));
  if (letter === "g") act(event, () => toggle("guidance"));
  if (letter === "r") act(event, () => /** @type {HTMLElement | null} */ (find("#comment"))?.focus());
}

/**
 * Enter submits, from the comment with Ctrl or Command; on a link or button it is that element's own.
 * @param {KeyboardEvent} event
 * @param {HTMLFormElement | null} answer
 */
function onEnter(event, answer) {
  const target = /** @type {Element} */ (event.target);
  if (event.repeat) return event.preventDefault();
  if (target.matches("a, button, summary") || !answer || event.altKey || event.shiftKey) return;
  const together = event.ctrlKey || event.metaKey;
  if (writes(target) !== together) return;
  act(event, () => answer.requestSubmit());
}

/**
 * @param {Event} event
 * @param {() => void} what
 */
function act(event, what) {
  event.preventDefault();
  what();
}

document.addEventListener("keydown", onKey);
document.addEventListener("input", keep);
for (const name of ["pointermove", "pointerdown", "wheel", "scroll"]) {
  document.addEventListener(name, () => (lastInput = performance.now()), { passive: true, capture: true });
}
for (const name of ["focus", "blur"]) window.addEventListener(name, tick);
document.addEventListener("visibilitychange", tick);
setInterval(tick, 1000);
setInterval(heartbeat, HEARTBEAT_MS);

// Before htmx and the browser: too soon is refused, and the measured time goes along.
document.addEventListener(
  "submit",
  (event) => {
    const sent = /** @type {HTMLFormElement} */ (event.target);
    if (performance.now() - shownAt < GUARD_MS) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    tick();
    const field = /** @type {HTMLInputElement | null} */ (sent.elements.namedItem("active_ms"));
    if (field) field.value = String(Math.round(activeMs));
  },
  { capture: true },
);

document.addEventListener("htmx:beforeRequest", keep);
document.addEventListener("htmx:afterSettle", (event) => {
  const card = document.getElementById("review-card");
  if (!card || /** @type {Element} */ (event.target).id !== "review-card") return;
  begin();
  /** @type {HTMLElement | null} */ (card.querySelector("[data-problem]") || card.querySelector("h1"))?.focus();
});

begin();
