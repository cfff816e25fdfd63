// What a visitor gives: files by choice or drop, questions, a key. Knows no server.
import { at, button } from "./dom.js";

const EXAMPLES = [
  "What do they feel, and why?",
  "When does the expression change, and what happens then?",
  "How sure are you?",
];

/**
 * @typedef {object} Does
 * @property {(files: File[]) => void} given
 * @property {(question: string) => void} ask
 * @property {(key: string) => void} unlock
 * @property {() => void} forget
 */

/** @param {Does} does */
export function listen(does) {
  files(does.given);
  questions(does.ask);
  const unlock = at("unlock", HTMLFormElement);
  const key = at("key", HTMLInputElement);
  unlock.addEventListener("submit", (event) => {
    event.preventDefault();
    unlock.hidden = true;
    does.unlock(key.value);
    key.value = "";
  });
  at("delete", HTMLButtonElement).addEventListener("click", () => does.forget());
}

/** @param {Does["given"]} given */
function files(given) {
  const chosen = at("file", HTMLInputElement);
  const take = (/** @type {FileList | null | undefined} */ list) => {
    if (list?.length) given([...list]);
  };
  const over = (/** @type {boolean} */ is) => document.body.classList.toggle("over", is);
  chosen.addEventListener("change", () => {
    take(chosen.files);
    chosen.value = ""; // the same file can be chosen again
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) over(false);
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    take(event.dataTransfer?.files);
  });
}

/** @param {Does["ask"]} ask */
function questions(ask) {
  const form = at("ask", HTMLFormElement);
  const question = at("question", HTMLTextAreaElement);
  const send = at("send", HTMLButtonElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = question.value.trim();
    if (!text || send.disabled) return;
    question.value = "";
    ask(text);
  });
  question.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  const examples = EXAMPLES.map((text) => button("example", text, () => send.disabled || ask(text)));
  at("examples", HTMLDivElement).append(...examples);
}
