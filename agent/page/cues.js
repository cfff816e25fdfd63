// Cues in words: those of this moment beside the video, and all of them as a list.
import { at, button, clocked, made } from "./dom.js";

/** @typedef {import("./types.d.ts").Cue} Cue */

const MOST = 9; // cues of one moment that are shown

/** Both texts; a click on a cue chooses it. */
export class Cues {
  /** @param {(cue: Cue) => void} chosen */
  constructor(chosen) {
    this._chosen = chosen;
    this._now = at("now", HTMLUListElement);
    this._list = at("cues", HTMLOListElement);
    this._count = at("count", HTMLSpanElement);
    /** @type {Cue[]} */
    this._cues = [];
    this._shown = "";
    this._lit = "";
    this._time = 0;
  }

  /** @param {Cue[]} cues in order of start */
  show(cues) {
    this._cues = cues;
    this._shown = "-";
    this._count.textContent = `${cues.length}`;
    this._list.replaceChildren(
      ...cues.map((cue) => {
        const item = made("li", "", "", this._button(cue));
        item.dataset.cue = cue.id;
        return item;
      }),
    );
    this.move(this._time);
  }

  /** @param {Cue | null} cue */
  light(cue) {
    this._lit = cue?.id ?? "";
    for (const item of this._list.children) {
      const lit = item instanceof HTMLElement && item.dataset.cue === this._lit;
      item.classList.toggle("lit", lit);
      item.querySelector("button")?.setAttribute("aria-current", `${lit}`);
    }
    this._shown = "-";
    this.move(this._time);
  }

  /** The cue after, or before, the one at this moment. @param {1 | -1} step */
  beside(step) {
    const lit = this._cues.findIndex((cue) => cue.id === this._lit);
    if (lit >= 0) return this._cues[lit + step] ?? null;
    const later = this._cues.filter((cue) => cue.apex > this._time + 0.05);
    const before = this._cues.filter((cue) => cue.apex < this._time - 0.05);
    return (step > 0 ? later[0] : before[before.length - 1]) ?? null;
  }

  /** @param {number} time */
  move(time) {
    this._time = time;
    const here = this._cues.filter((cue) => cue.start - 0.02 <= time && time <= cue.end + 0.02);
    // Whole-clip cues say the least about this moment: shortest first.
    here.sort((a, b) => a.end - a.start - (b.end - b.start));
    here.sort((a, b) => Number(b.id === this._lit) - Number(a.id === this._lit));
    const shown = here.slice(0, MOST);
    const ids = shown.map((cue) => cue.id).join(" ");
    if (ids === this._shown) return;
    this._shown = ids;
    const items = shown.map((cue) => {
      const item = made("li", cue.id === this._lit ? "lit" : "", "", this._button(cue));
      return item;
    });
    const more = here.length - shown.length;
    if (more > 0) items.push(made("li", "quiet", `and ${more} more`));
    if (!items.length) items.push(made("li", "quiet", "Nothing stands out at this moment."));
    this._now.replaceChildren(...items);
  }

  /** @param {Cue} cue */
  _button(cue) {
    const text = cue.sense === "words" ? `“${cue.text}”` : cue.text;
    const element = button(`tell of-${cue.sense}${cue.brief ? " brief" : ""}`, "", () =>
      this._chosen(cue),
    );
    element.append(
      made("span", "id", cue.id),
      made("span", "text", text),
      made("span", "when", clocked(cue.apex)),
    );
    return element;
  }
}
