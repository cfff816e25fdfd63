// Questions and answers. Each citation is a button that shows its cue.
import { at, button, clocked, made } from "./dom.js";

/** @typedef {import("./types.d.ts").Cue} Cue */
/** @typedef {import("./types.d.ts").Whole} Whole */

const CITED = /\b([AHVW]\d+)\b/;
const MOST = 4; // feelings that are shown with a bar

/** The talk so far. */
export class Talk {
  /** @param {(cue: Cue) => void} chosen */
  constructor(chosen) {
    this._chosen = chosen;
    this._log = at("talk", HTMLOListElement);
    this._hint = at("hint", HTMLDivElement);
  }

  clear() {
    this._log.replaceChildren();
    this._hint.hidden = false;
  }

  /** @param {string} question @returns {Reply} where the answer goes */
  asked(question) {
    this._hint.hidden = true;
    this._log.append(made("li", "asked", question));
    const reply = new Reply(this._chosen);
    this._log.append(reply.element);
    this._scroll();
    return reply;
  }

  _scroll() {
    this._log.scrollTop = this._log.scrollHeight;
  }
}

/** One answer as it comes. */
export class Reply {
  /** @param {(cue: Cue) => void} chosen */
  constructor(chosen) {
    this._chosen = chosen;
    this._text = made("p", "text");
    this._doing = made("p", "doing", "Waiting …");
    this._steps = made("ol", "steps");
    this._how = made("details", "", "", made("summary", "", "How it was reasoned"), this._steps);
    this._how.hidden = true;
    this.element = made("li", "answer", "", this._doing, this._text);
  }

  /** What is being done. @param {string} step */
  doing(step) {
    this._doing.textContent = `${step} …`;
    this._follow();
  }

  /** A step of the agent that is done. @param {string} step */
  step(step) {
    const [name, ...rest] = step.split(": ");
    this._steps.append(made("li", "", "", made("b", "", name), ` ${rest.join(": ")}`));
    this.doing(`Thinking: ${name}`);
  }

  /** @param {string} piece */
  more(piece) {
    this._doing.hidden = true;
    this._text.append(piece);
    this._follow();
  }

  /** @param {Whole} found */
  whole(found) {
    this._doing.hidden = true;
    const cues = new Map(found.cues.map((cue) => [cue.id, cue]));
    const parts = (this._text.textContent || found.answer.answer).split(CITED);
    this._text.replaceChildren(...parts.map((part, n) => this._part(part, n % 2 ? cues : null)));
    if (found.answer.emotions.length) this.element.append(bars(found));
    this._how.hidden = !this._steps.children.length;
    this.element.append(this._how);
    this._follow();
  }

  /** @param {string} why */
  failed(why) {
    this._doing.hidden = true;
    this.element.append(made("p", "failed", why));
  }

  /** @param {string} part @param {Map<string, Cue> | null} cues */
  _part(part, cues) {
    const cue = cues?.get(part);
    if (!cue) return document.createTextNode(part);
    const cite = button("cite", part, () => this._chosen(cue));
    cite.title = `${clocked(cue.apex)} ${cue.text}`;
    cite.setAttribute("aria-label", `${part}, at ${cue.apex.toFixed(1)} seconds: ${cue.text}`);
    return cite;
  }

  _follow() {
    const log = this.element.parentElement;
    if (log) log.scrollTop = log.scrollHeight;
  }
}

/** How the feelings share the whole, and how sure that is. @param {Whole} found */
function bars(found) {
  const { emotions, confidence, model } = found.answer;
  const list = made("ul", "shares");
  list.setAttribute("aria-label", "What it fits, in shares");
  for (const { label, share } of emotions.slice(0, MOST)) {
    const bar = made("span", `fill ${label}`);
    bar.style.width = `${Math.max(1, 100 * share).toFixed(1)}%`;
    const percent = made("span", "percent", `${Math.round(100 * share)} %`);
    const room = made("span", "room", "", bar);
    list.append(made("li", "", "", made("span", "label", label), room, percent));
  }
  const sure = `Confidence ${Math.round(100 * confidence)} %, answered by ${model}`;
  return made("div", "sum", "", list, made("p", "quiet", sure));
}
