// @ts-check
/** What every page needs: the CSRF header, a mark while a request runs, and words when one fails. */

const root = document.documentElement;
let running = 0;

/**
 * Events of htmx carry what they are about in `detail`.
 * @param {string} name
 * @param {(detail: any, event: Event) => void} react
 */
function on(name, react) {
  document.addEventListener(name, (event) => react(/** @type {CustomEvent} */ (event).detail, event));
}

/** @param {number} change */
function count(change) {
  running = Math.max(0, running + change);
  root.toggleAttribute("data-busy", running > 0);
}

/** @param {string} sentence An empty one takes the last problem away. */
function say(sentence) {
  const place = document.getElementById("problem");
  if (!place) return;
  const notice = document.createElement("div");
  notice.className = "notice notice-error";
  notice.textContent = sentence;
  place.replaceChildren(...(sentence ? [notice] : []));
}

on("htmx:configRequest", (detail) => {
  const token = document.querySelector('meta[name="csrf-token"]');
  if (detail.verb !== "get" && token) detail.headers["X-CSRFToken"] = token.getAttribute("content");
});

// A page that nobody looks at does not poll.
on("htmx:beforeRequest", (detail, event) => {
  if (document.hidden && detail.elt.hasAttribute("data-polls")) event.preventDefault();
});
on("htmx:beforeSend", (detail) => {
  count(1);
  if (!detail.elt.hasAttribute("data-polls")) say("");
});
on("htmx:afterRequest", () => count(-1));

// Signed out, or in again elsewhere: the answer is a whole page, which belongs into no fragment.
on("htmx:beforeSwap", (detail) => {
  const signedOut = new URL(detail.xhr.responseURL || location.href).pathname === "/login/";
  const outOfDate = detail.xhr.status === 403 && detail.xhr.responseText.startsWith("<!DOCTYPE");
  if (!signedOut && !outOfDate) return;
  detail.shouldSwap = false;
  location.reload();
});
on("htmx:responseError", (detail) => {
  if (detail.xhr.status >= 500) say("Something broke on our side. Nothing was lost; try again in a moment.");
});
on("htmx:sendError", () => say("There is no connection to the server. Check your network, then try again."));

// Plain forms: one press is one request.
document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (event.defaultPrevented || form.method === "get" || form.hasAttribute("hx-post")) return;
  // After this turn, so that the pressed button's own value is still sent.
  setTimeout(() => lock(form, true));
});
window.addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => lock(form, false)));

/**
 * @param {HTMLFormElement} form
 * @param {boolean} locked
 */
function lock(form, locked) {
  for (const button of form.querySelectorAll("button")) {
    if (locked ? button.disabled : !button.hasAttribute("data-locked")) continue;
    button.disabled = locked;
    button.toggleAttribute("data-locked", locked);
  }
}

// A menu closes when the eye moves on.
document.addEventListener("click", (event) => closeMenus(/** @type {Node} */ (event.target)));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenus(null);
});

/** @param {Node | null} inside The menu that holds this node stays open. */
function closeMenus(inside) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (inside && menu.contains(inside)) continue;
    if (menu.contains(document.activeElement) && !inside) menu.querySelector("summary")?.focus();
    menu.removeAttribute("open");
  }
}
