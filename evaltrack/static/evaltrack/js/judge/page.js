// @ts-check
/** The page around the task: what it tells the scripts, and what they say on it. */

export const settings = /** @type {Record<string, string>} */ (document.body.dataset);

/**
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {any} The first match, or null.
 */
export const one = (selector, within = document) => within.querySelector(selector);

/**
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {any[]}
 */
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** On a narrow screen the two responses are tabs. */
export const narrow = matchMedia("(width < 48rem)");

/** The token of this moment: signing in changes it. */
export function csrf() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

/**
 * Politely, for those who listen.
 * @param {string} sentence
 */
export function say(sentence) {
  one("#said").textContent = sentence;
}

/**
 * At once, for everybody; an empty one takes the last alarm away.
 * @param {string} sentence
 * @param {{ label: string, act: () => void }} [way] What can be done about it.
 */
export function alarm(sentence, way) {
  const banner = one("#alarm");
  if (banner.dataset.sentence === sentence) return;
  banner.dataset.sentence = sentence;
  banner.replaceChildren();
  if (!sentence) return;
  const words = document.createElement("span");
  words.textContent = sentence;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = way?.label ?? "Dismiss";
  button.addEventListener("click", () => {
    alarm("");
    way?.act();
  });
  banner.append(words, button);
}

/** @param {"" | "saving" | "saved" | "offline"} state @param {string} [words] */
export function saveState(state, words = "") {
  const chip = one("[data-save-state]");
  chip.dataset.state = state;
  chip.textContent = words || { "": "", saving: "Saving…", saved: "Saved", offline: "Offline" }[state];
}

const TOAST_MS = 8000;
let toastTimer = 0;

/** @param {string} sentence An empty one hides it. */
export function toast(sentence) {
  const box = one("#toast");
  clearTimeout(toastTimer);
  if (sentence) one("[data-toast-text]", box).textContent = sentence;
  box.hidden = !sentence;
  if (sentence) toastTimer = setTimeout(fade, TOAST_MS);
}

/** It stays for whoever is pointing at it, or about to press its button. */
function fade() {
  const box = one("#toast");
  if (box.matches(":hover, :focus-within")) toastTimer = setTimeout(fade, 1000);
  else box.hidden = true;
}

/**
 * A place in the browser's storage, which may be blocked or full.
 * @param {string} key
 * @param {any} value Null removes it.
 * @param {Storage} [where]
 */
export function keep(key, value, where) {
  try {
    const storage = where ?? localStorage;
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} key
 * @param {any} otherwise
 * @param {Storage} [where]
 */
export function kept(key, otherwise, where) {
  try {
    return JSON.parse((where ?? localStorage).getItem(key) ?? "null") ?? otherwise;
  } catch {
    return otherwise;
  }
}
