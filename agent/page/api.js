// The server's public endpoints, the same that everyone else uses. Knows no page.
import { events } from "./events.js";

/** @typedef {import("./types.d.ts").Evidence} Evidence */
/** @typedef {import("./types.d.ts").Series} Series */
/** @typedef {import("./types.d.ts").Feelings} Feelings */
/** @typedef {import("./types.d.ts").Whole} Whole */

const UNREACHED = "the server cannot be reached; is it still running?";
let key = "";

/** Use this key from now on. @param {string} given */
export function unlock(given) {
  key = given;
}

/** Something the server, or the way to it, did not do. */
export class Failure extends Error {
  /** @param {string} message @param {number} status @param {string} code @param {number} [wait] */
  constructor(message, status, code, wait) {
    super(message);
    this.status = status;
    this.code = code;
    /** Seconds after which it may work. */
    this.wait = wait;
  }
}

/** @param {number} status @param {any} body @param {string | null} wait */
function failed(status, body, wait) {
  const error = body?.error ?? {};
  const message = error.message ?? `the server answered with status ${status}`;
  return new Failure(message, status, error.code ?? "", wait ? Number(wait) : undefined);
}

/** @returns {Record<string, string>} */
const headers = () => (key ? { Authorization: `Bearer ${key}` } : {});

/** @param {string} path @param {RequestInit} [options] */
async function call(path, options = {}) {
  let response;
  try {
    const all = { ...headers(), .../** @type {Record<string, string>} */ (options.headers ?? {}) };
    response = await fetch(path, { ...options, headers: all });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failure(UNREACHED, 0, "unreached");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw failed(response.status, body, response.headers.get("Retry-After"));
}

/** @param {string} path @param {unknown} body @param {AbortSignal} [signal] */
const post = (path, body, signal) =>
  call(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    signal,
  });

/** @param {string} path @param {unknown} body @param {AbortSignal} [signal] */
async function* stream(path, body, signal) {
  let ended = false;
  try {
    for await (const one of events(await post(path, body, signal))) {
      if (one.error) throw failed(0, one, null);
      ended = true;
      yield one;
    }
  } catch (error) {
    if (error instanceof Failure || (error instanceof DOMException && error.name === "AbortError"))
      throw error;
    throw new Failure("the connection broke before all was said; try again", 0, "broken");
  }
  if (!ended) throw new Failure("the server said nothing; try again", 0, "broken");
}

/** Names of the models, the server's own first. @returns {Promise<string[]>} */
export async function models() {
  const list = await (await call("/v1/models")).json();
  return list.data.map((/** @type {{id: string}} */ one) => one.id);
}

/**
 * Send a clip; told how far it is, 0-1. Only XMLHttpRequest tells that of what it sends.
 * @param {File} file @param {File | null} subtitles
 * @param {(share: number) => void} told @param {AbortSignal} signal
 * @returns {Promise<string>} the upload's id
 */
export function upload(file, subtitles, told, signal) {
  const form = new FormData();
  form.append("purpose", "user_data");
  form.append("file", file);
  if (subtitles) form.append("subtitles", subtitles);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/files");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.total && told(event.loaded / event.total);
    request.onerror = () => reject(new Failure(UNREACHED, 0, "unreached"));
    request.onabort = () => reject(new DOMException("another clip was chosen", "AbortError"));
    request.onload = () => {
      const { status, response } = request;
      if (status === 200) resolve(response.id);
      else reject(failed(status, response, request.getResponseHeader("Retry-After")));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** @param {string} id */
export async function remove(id) {
  await call(`/v1/files/${id}`, { method: "DELETE" });
}

/**
 * What can be seen and heard in an upload; told which sense is at work.
 * @param {string} id @param {(share: number, step: string) => void} told @param {AbortSignal} signal
 * @returns {Promise<Evidence>}
 */
export async function measure(id, told, signal) {
  for await (const one of stream(`/v1/files/${id}/evidence`, { stream: true }, signal)) {
    if (one.evidence) return one.evidence;
    told(one.progress, one.step);
  }
  throw new Failure("the connection broke before all was measured; try again", 0, "broken");
}

/**
 * @param {string} id @param {number} start @param {number} end @param {number} points
 * @returns {Promise<Series>}
 */
export async function series(id, start, end, points) {
  const span = `start=${start.toFixed(3)}&end=${end.toFixed(3)}&points=${points}`;
  return (await call(`/v1/files/${id}/series?${span}`)).json();
}

/** @param {string} id @param {string | null} person @returns {Promise<Feelings>} */
export async function feelings(id, person) {
  const who = person ? `?person=${encodeURIComponent(person)}` : "";
  return (await call(`/v1/files/${id}/feelings${who}`)).json();
}

/**
 * @typedef {object} Question
 * @property {string} text
 * @property {string} model
 * @property {string} file
 * @property {string | null} conversation
 * @property {string | null} person
 */

/**
 * Ask; the answer as it comes.
 * @param {Question} question @param {AbortSignal} signal
 * @returns {AsyncGenerator<{step?: string, text?: string, share?: number, whole?: Whole}>}
 */
export async function* ask(question, signal) {
  const { conversation, person } = question;
  const content = [
    ...(conversation ? [] : [{ type: "file", file: { file_id: question.file } }]),
    { type: "text", text: question.text },
  ];
  const body = {
    model: question.model,
    stream: true,
    conversation: conversation ?? "new",
    messages: [{ role: "user", content }],
    ...(person ? { person } : {}),
  };
  let whole = false;
  for await (const chunk of stream("/v1/chat/completions", body, signal)) {
    const delta = chunk.choices?.[0]?.delta ?? {};
    const more = chunk.duchenne ?? {};
    if (more.progress !== undefined) yield { step: more.step, share: more.progress };
    if (delta.reasoning) yield { step: delta.reasoning.trim() };
    if (delta.content) yield { text: delta.content };
    if (more.answer) {
      whole = true;
      yield { whole: more };
    }
  }
  if (!whole) throw new Failure("the connection broke before all was said; try again", 0, "broken");
}
