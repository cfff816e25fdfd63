// What is going on, and what went wrong: a bar with the step's name, a message with a way on.
import { at, button, sentence } from "./dom.js";

/** Speaks to the visitor; screen readers hear a new step once, not each percent. */
export class Status {
  constructor() {
    this._box = at("progress", HTMLDivElement);
    this._bar = at("bar", HTMLProgressElement);
    this._step = at("step", HTMLParagraphElement);
    this._share = at("share", HTMLSpanElement);
    this._alert = at("alert", HTMLDivElement);
    this._said = at("said", HTMLParagraphElement);
  }

  /** @param {string} step @param {number | null} share 0-1; None where nobody knows */
  working(step, share) {
    this._alert.hidden = true;
    this._box.hidden = false;
    const text = sentence(`${step} …`);
    if (this._step.textContent !== text) this._step.textContent = text;
    if (share === null) this._bar.removeAttribute("value");
    else this._bar.value = share;
    this._share.textContent = share === null ? "" : `${Math.round(100 * share)} %`;
  }

  done() {
    this._box.hidden = true;
    this._step.textContent = "";
  }

  /** Heard by screen readers, and shown under the timeline. @param {string} text */
  say(text) {
    this._said.textContent = text;
  }

  /** @param {string} message @param {string} [label] of a way on @param {() => void} [way] */
  failed(message, label, way) {
    this.done();
    const text = document.createElement("p");
    text.textContent = sentence(message);
    this._alert.replaceChildren(text);
    if (label && way) {
      this._alert.append(
        button("again", label, () => {
          this._alert.hidden = true;
          way();
        }),
      );
    }
    this._alert.hidden = false;
  }

  clear() {
    this.done();
    this._alert.hidden = true;
    this._said.textContent = "";
  }
}
