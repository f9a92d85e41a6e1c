// @ts-check
/** Signing in again, in place: the task stays as it is. */

import { one, settings } from "./page.js";
import { OtherPerson, send, SignedOut, verify } from "./wire.js";

/** @type {Promise<void> | null} */
let asking = null;

/** Resolves when the same person is signed in again; somebody else gets none of this. */
export function signInAgain() {
  asking ??= ask().finally(() => (asking = null));
  return asking;
}

/** @returns {Promise<void>} */
function ask() {
  const dialog = one("#sign-in");
  const form = one("[data-sign-in]");
  const back = /** @type {HTMLElement | null} */ (document.activeElement);
  if (!dialog.open) dialog.showModal();
  one("[name=password]", form).focus();
  return new Promise((resolve) => {
    /** @param {Event} event */
    async function tryIt(event) {
      event.preventDefault();
      const problem = await attempt(form);
      one("[data-sign-in-problem]").textContent = problem;
      if (problem) return one("[name=password]", form).select();
      form.removeEventListener("submit", tryIt);
      form.reset();
      dialog.close();
      back?.focus();
      resolve();
    }
    form.addEventListener("submit", tryIt);
  });
}

/**
 * What is wrong, or an empty sentence.
 * @param {HTMLFormElement} form
 */
async function attempt(form) {
  const { username, password } = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form)));
  try {
    // The page sets the cookie that the form is checked by.
    if (!document.cookie.includes("csrftoken=")) await send(settings.login, { method: "GET" });
    await send(settings.login, { form: { username, password } });
    return "Name and password do not match an active account. Check both; capital letters count.";
  } catch (error) {
    // To be led away from the sign-in is to be signed in.
    if (!(error instanceof SignedOut)) return "The server was not reached. Try again in a moment.";
  }
  try {
    await verify();
    return "";
  } catch (error) {
    if (error instanceof OtherPerson) return leave();
    return "The server was not reached. Try again in a moment.";
  }
}

/** What the one before has not sent stays in the browser for them. */
function leave() {
  location.assign(settings.queue);
  return "You are not who began this task; here is your own queue.";
}
