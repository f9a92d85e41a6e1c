// @ts-check
/** The copy menus: a table as CSV or Markdown, a picture as PNG, or the address. Without this, they only download. */

import { picture } from "./picture.js";

const SHUT = "The browser keeps the clipboard from this page, as it does where there is no HTTPS.";
const KEPT_MS = 60_000; // how long a file that was handed to the browser stays there

// Buttons that need this module are shown once it runs.
document.documentElement.toggleAttribute("data-copies", true);

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button[data-copy]");
  if (button) void copied(/** @type {HTMLButtonElement} */ (button));
});

/** @param {HTMLButtonElement} button */
async function copied(button) {
  const panel = /** @type {HTMLElement} */ (button.closest("[popover]"));
  const { copy: what = "", href = "", picture: part = "" } = button.dataset;
  rest(panel);
  say(panel, "One moment…");
  try {
    if (what === "link") await text(panel, "The link", Promise.resolve(absolute(href)));
    else if (what === "csv") await text(panel, "CSV", fetched(href));
    else if (what === "markdown") await text(panel, "Markdown", fetched(href));
    else await image(panel, part, what === "png-file");
  } catch {
    say(panel, "That did not work. Load the page again, then try once more.");
  }
}

/**
 * @param {HTMLElement} panel
 * @param {string} name
 * @param {Promise<string>} coming
 */
async function text(panel, name, coming) {
  const found = coming.then((each) => new Blob([each], { type: "text/plain" }));
  if (await onClipboard("text/plain", found)) {
    say(panel, `${name} is copied.`);
    return;
  }
  const field = /** @type {HTMLTextAreaElement} */ (panel.querySelector("textarea"));
  field.value = await coming;
  /** @type {HTMLElement} */ (field.closest(".field")).hidden = false;
  field.focus();
  field.select();
  say(panel, `${SHUT} The text is selected: copy it with Ctrl+C, or ⌘C.`);
}

/**
 * @param {HTMLElement} panel
 * @param {string} part The id of what is pictured.
 * @param {boolean} asFile
 */
async function image(panel, part, asFile) {
  const pictured = document.getElementById(part);
  if (!pictured) throw new Error(`there is no ${part}`);
  const coming = picture(pictured, `${document.title} · ${absolute(`#${part}`)}`);
  if (!asFile && (await onClipboard("image/png", coming))) {
    say(panel, "The picture is copied.");
    return;
  }
  download(await coming, `${location.pathname.split("/").filter(Boolean).at(-1)}-${part}.png`);
  say(panel, asFile ? "The picture is downloaded." : `${SHUT} The picture is downloaded instead.`);
}

/**
 * False where the browser does not let us. What is coming is handed on as it is: Safari forgets that somebody has
 * pressed a button while one waits.
 * @param {string} type
 * @param {Promise<Blob>} coming
 */
async function onClipboard(type, coming) {
  if (!navigator.clipboard?.write || !window.ClipboardItem) return false;
  try {
    await navigator.clipboard.write([new ClipboardItem({ [type]: coming })]);
    return true;
  } catch {
    await coming; // its own failure is no refusal of the browser
    return false;
  }
}

/** @param {string} href */
async function fetched(href) {
  const answer = await fetch(href, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
  return answer.text();
}

/**
 * @param {Blob} content
 * @param {string} name
 */
function download(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/** @param {string} href */
function absolute(href) {
  return new URL(href, location.href).href;
}

/** @param {HTMLElement} panel */
function rest(panel) {
  /** @type {HTMLElement} */ (panel.querySelector(".field")).hidden = true;
}

/**
 * @param {HTMLElement} panel
 * @param {string} sentence
 */
function say(panel, sentence) {
  const place = panel.querySelector("[role=status]");
  if (place) place.textContent = sentence;
}
