// The timeline: rows over one axis, a playhead to drag or move by keys, zoom, one cue lit.
import { at, clocked, drawn, made } from "./dom.js";
import { LABELS, draw } from "./draw.js";
import { rowsOf } from "./rows.js";
import { Scale, ticks, words } from "./shapes.js";

/** @typedef {import("./types.d.ts").Cue} Cue */
/** @typedef {import("./types.d.ts").Shown} Shown */
/** @typedef {import("./types.d.ts").View} View */

const SHORTEST = 1; // s that fill the width at most
const SHARE = 0.15; // of a moment, from which a label gets a legend

/**
 * @typedef {object} Does
 * @property {(cue: Cue) => void} cue a cue was chosen
 * @property {(step: 1 | -1) => void} next the next or the last cue is wanted
 * @property {(view: View) => void} zoomed another part is shown
 */

/** Draws what is shown and moves the clock. */
export class Timeline {
  /** @param {import("./clock.js").Clock} clock @param {Does} does */
  constructor(clock, does) {
    this._clock = clock;
    this._does = does;
    this._whole = at("timeline", HTMLElement);
    this._rows = at("rows", HTMLDivElement);
    this._track = at("track", HTMLDivElement);
    this._head = at("head", HTMLDivElement);
    this._band = at("band", HTMLDivElement);
    this._read = at("moment", HTMLOutputElement);
    this._legend = at("legend", HTMLDivElement);
    /** @type {Shown | null} */
    this._shown = null;
    /** @type {View} */
    this.view = { start: 0, end: 0 };
    /** @type {Cue | null} */
    this._lit = null;
    this._width = 0;
    this._listen();
  }

  /** @param {Shown} shown @param {View} [view] the whole clip by default */
  show(shown, view) {
    this._shown = shown;
    this.view = view ?? { start: 0, end: shown.evidence.media.duration };
    this._whole.hidden = false;
    this._draw();
    this.move(this._clock.time);
  }

  /** Another curve for the same rows. @param {import("./types.d.ts").Series} series */
  refine(series) {
    if (!this._shown) return;
    this._shown = { ...this._shown, series };
    this._draw();
  }

  clear() {
    this._shown = null;
    this._lit = null;
    this._whole.hidden = true;
    this._rows.replaceChildren();
  }

  /** Mark a cue, nothing else. @param {Cue | null} cue */
  light(cue) {
    this._lit = cue;
    for (const one of this._rows.querySelectorAll(".lit")) one.classList.remove("lit");
    this._band.hidden = !cue;
    if (!cue) return;
    if (cue.end < this.view.start || cue.start > this.view.end) this._around(cue.apex);
    const mark = this._rows.querySelector(`[data-cue="${cue.id}"]`);
    mark?.classList.add("lit");
    mark?.closest(".row")?.classList.add("lit");
    this._stretch(this._band, cue.start, cue.end);
  }

  /** @param {number} time */
  move(time) {
    if (!this._shown) return;
    const { start, end } = this.view;
    if (time < start || time > end) this._around(time);
    this._head.style.left = `${this._percent(time)}%`;
    this._head.setAttribute("aria-valuenow", time.toFixed(1));
    this._head.setAttribute("aria-valuetext", `${time.toFixed(1)} seconds`);
    this._read.textContent = `${clocked(time)} / ${clocked(this._clock.duration)}`;
  }

  /** @param {number} time */
  _percent(time) {
    const { start, end } = this.view;
    const share = (time - start) / Math.max(end - start, 1e-6);
    return 100 * Math.min(Math.max(share, 0), 1);
  }

  /** @param {HTMLElement} element @param {number} start @param {number} end */
  _stretch(element, start, end) {
    const [a, b] = [this._percent(start), this._percent(end)];
    element.style.left = `${a}%`;
    element.style.width = `${b - a}%`;
  }

  _draw() {
    const shown = this._shown;
    if (!shown) return;
    const gutter = parseFloat(getComputedStyle(this._track).left) || 0;
    this._width = Math.max(120, Math.floor(this._rows.clientWidth - gutter - 8));
    this._rows.replaceChildren(
      ...rowsOf(shown).map((row) => {
        const { picture, left } = draw(row, shown.feelings, this.view, this._width);
        const below = left ? `${left} more not drawn` : row.below;
        const name = made("div", "name", "", made("b", "", row.name), made("small", "", below));
        const element = made("div", `row ${row.kind}`, "", name, picture);
        element.dataset.row = row.name;
        return element;
      }),
      this._axis(),
    );
    this._head.setAttribute("aria-valuemax", this._clock.duration.toFixed(1));
    this._labels(shown);
    this.light(this._lit);
  }

  _axis() {
    const scale = new Scale(this.view, this._width, 24);
    const picture = drawn("svg", { width: scale.width, height: 24 });
    for (const tick of ticks(this.view, this._width)) {
      const x = scale.x(tick);
      picture.append(drawn("line", { x1: x, x2: x, y1: 0, y2: 5, class: "ground" }));
      const anchor = x > scale.width - 16 ? "end" : x < 8 ? "start" : "middle";
      const minutes = this.view.end >= 90;
      const text = minutes ? clocked(tick).replace(/\.0$/, "") : `${tick}`;
      picture.append(words(x, 18, text, "tick", anchor));
    }
    const name = made("div", "name", "", made("small", "", this.view.end >= 90 ? "min:s" : "s"));
    return made("div", "row axis", "", name, picture);
  }

  /** @param {Shown} shown */
  _labels(shown) {
    const there = LABELS.filter((label) =>
      shown.feelings.moments.some((moment) => (moment.shares[label] ?? 0) >= SHARE),
    );
    this._legend.replaceChildren(
      ...there.map((label) => made("span", `key ${label}`, label)),
      ...(shown.feelings.moments.some((one) => one.unknown) ? [made("span", "", "pale: unclear")] : []),
    );
  }

  _listen() {
    new ResizeObserver(() => {
      const width = this._rows.clientWidth;
      if (this._shown && Math.abs(width - this._seenWidth) > 1) this._draw();
      this._seenWidth = width;
    }).observe(this._rows);
    this._rows.addEventListener("pointerdown", (event) => this._grab(event));
    this._head.addEventListener("keydown", (event) => this._key(event));
    at("closer", HTMLButtonElement).addEventListener("click", () => this.zoom(0.5));
    at("farther", HTMLButtonElement).addEventListener("click", () => this.zoom(2));
  }

  _seenWidth = 0;

  /** Scrub from here on; a click on a cue without a move chooses it. @param {PointerEvent} event */
  _grab(event) {
    if (event.button !== 0 || !this._shown || this._clock.duration <= 0) return;
    const group = event.target instanceof Element ? event.target.closest("[data-cue]") : null;
    const began = event.clientX;
    let moved = false;
    const scrub = (/** @type {PointerEvent} */ now) => {
      moved ||= Math.abs(now.clientX - began) > 4;
      if (moved || !group) this._clock.seek(this._at(now.clientX));
    };
    const end = () => {
      removeEventListener("pointermove", scrub);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
      const id = group?.getAttribute("data-cue");
      const cue = this._shown?.evidence.cues.find((one) => one.id === id);
      if (!moved && cue) this._does.cue(cue);
    };
    addEventListener("pointermove", scrub);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
    if (event.pointerType !== "touch") event.preventDefault();
    scrub(event);
  }

  /** Moment under a column of the screen. @param {number} x */
  _at(x) {
    const { left, width } = this._track.getBoundingClientRect();
    const { start, end } = this.view;
    return start + Math.min(Math.max((x - left) / width, 0), 1) * (end - start);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { time, duration } = this._clock;
    const step = event.shiftKey ? 1 : 0.1;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowRight: () => this._clock.seek(time + step),
      ArrowUp: () => this._clock.seek(time + step),
      ArrowLeft: () => this._clock.seek(time - step),
      ArrowDown: () => this._clock.seek(time - step),
      PageUp: () => this._clock.seek(time + duration / 10),
      PageDown: () => this._clock.seek(time - duration / 10),
      Home: () => this._clock.seek(0),
      End: () => this._clock.seek(duration),
      " ": () => this._clock.toggle(),
      n: () => this._does.next(1),
      p: () => this._does.next(-1),
      "+": () => this.zoom(0.5),
      "-": () => this.zoom(2),
    };
    const does = keys[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  /** Show so much of the time as a share of what is shown now. @param {number} factor */
  zoom(factor) {
    const { start, end } = this.view;
    const span = (end - start) * factor;
    this._set(this._clock.time, Math.max(span, Math.min(SHORTEST, this._clock.duration)));
  }

  /** @param {number} time */
  _around(time) {
    this._set(time, this.view.end - this.view.start);
  }

  /** @param {number} middle @param {number} span seconds */
  _set(middle, span) {
    const whole = this._clock.duration;
    const length = Math.min(span, whole);
    const start = Math.min(Math.max(middle - length / 2, 0), whole - length);
    if (Math.abs(start - this.view.start) + Math.abs(start + length - this.view.end) < 1e-3) return;
    this.view = { start, end: start + length };
    this._draw();
    this.move(this._clock.time);
    this._does.zoomed(this.view);
  }
}
