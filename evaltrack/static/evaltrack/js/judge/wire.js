// @ts-check
/** Requests, and the four ways in which they can end: an answer, no connection, no session, another person. */

import { csrf, settings } from "./page.js";

const PATIENCE_MS = 20_000;

/** The server was not reached, or broke; worth another try. */
export class Unreachable extends Error {}
/** Nobody is signed in any more. */
export class SignedOut extends Error {}
/** Somebody else is signed in now. */
export class OtherPerson extends Error {}

/**
 * @typedef {{ status: number, body: any }} Answer `body` is JSON or, of a page, its text.
 * @typedef {{ json?: any, form?: Record<string, string>, keepalive?: boolean, method?: string }} Options
 */

/**
 * @param {string} url
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 */
export async function send(url, { json, form, keepalive = false, method = "POST" } = {}) {
  /** @type {Record<string, string>} */
  const headers = { "X-Judge": "card" };
  if (method === "POST") headers["X-CSRFToken"] = csrf();
  if (json) headers["Content-Type"] = "application/json";
  let response, body;
  try {
    response = await fetch(url, {
      method,
      headers,
      keepalive,
      redirect: "manual",
      credentials: "same-origin",
      signal: AbortSignal.timeout(PATIENCE_MS),
      body: json ? JSON.stringify(json) : form ? new URLSearchParams(form) : undefined,
    });
    const isJson = response.headers.get("Content-Type")?.includes("json");
    body = isJson ? await response.json() : await response.text();
  } catch {
    throw new Unreachable(url);
  }
  if (response.status >= 500 || response.status === 429) throw new Unreachable(`${response.status} ${url}`);
  // Pages lead to the sign-in; the API says 401; a cookie that has gone fails the check against forgery.
  const over = response.type === "opaqueredirect" || response.status === 401;
  if (over || (response.status === 403 && (body.code === "permission_denied" || !csrf()))) throw new SignedOut(url);
  return { status: response.status, body };
}

/**
 * @param {string} path After `/api/v1/`.
 * @param {any} [json]
 */
export const api = (path, json = {}) => send(settings.api + path, { json, keepalive: true });

let known = csrf();

/** Signing in changes the token: then ask whose session it is, before anything of this person's is sent. */
export async function verify() {
  if (csrf() === known) return;
  const { body } = await send(settings.session, { method: "GET" });
  if (body.outbox !== settings.outbox) throw new OtherPerson();
  known = csrf();
}
