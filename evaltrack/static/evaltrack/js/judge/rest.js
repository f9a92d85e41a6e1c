// @ts-check
/** A calm line that suggests a pause, after a while without one. It covers nothing and asks for nothing. */

import * as clock from "./clock.js";
import { one, say, settings } from "./page.js";

/** Whoever was away for so long has had a pause. */
const PAUSE_MS = 5 * 60_000;
const LOOK_MS = 15_000;

let since = Date.now();

function begin() {
  since = Date.now();
  one("#rest").hidden = true;
}

export function suggest() {
  const afterMs = Number(settings.breakMinutes) * 60_000;
  if (!afterMs) return;
  one("[data-rest-dismiss]").addEventListener("click", begin);
  setInterval(() => {
    const line = one("#rest");
    if (clock.idleMs() > PAUSE_MS) return begin();
    if (!line.hidden || Date.now() - since < afterMs) return;
    line.hidden = false;
    say(line.querySelector("span").textContent);
  }, LOOK_MS);
}
