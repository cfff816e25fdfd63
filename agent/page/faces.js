// Outlines of the tracked faces, over the picture, at the clock's moment.
import { made } from "./dom.js";
import * as api from "./api.js";

/** @typedef {import("./types.d.ts").PersonRows} PersonRows */
/** @typedef {import("./types.d.ts").Box} Box */

const NEAR = 0.25; // s; a box farther off in time is not this moment's
const PIECE = 20; // s of boxes that are fetched at a time
const POINTS = 1200; // rows in a piece: every frame of 60 a second

/** Draws a box a person, with the person's name. */
export class Faces {
  /** @param {HTMLElement} over @param {(person: string) => void} chosen */
  constructor(over, chosen) {
    this._over = over;
    this._chosen = chosen;
    this._file = "";
    this._person = "";
    this._time = 0;
    this._still = false;
    /** @type {Map<number, PersonRows[]>} */
    this._pieces = new Map();
    /** @type {Map<string, HTMLElement>} */
    this._drawn = new Map();
  }

  /**
   * @param {string} file @param {import("./types.d.ts").Evidence} evidence
   * @param {import("./types.d.ts").Series} series of the whole clip
   */
  start(file, evidence, series) {
    this.clear();
    this._file = file;
    this._still = evidence.media.kind === "image";
    // A short clip's series has a row for every picture, and need not be fetched again.
    if (series.end <= PIECE) this._pieces.set(0, series.people);
    for (const person of evidence.people) {
      const name = made("span", "who", person.id);
      const box = made("div", "outline", "", name);
      box.dataset.person = person.id;
      box.hidden = true;
      name.addEventListener("click", () => this._chosen(person.id));
      this._drawn.set(person.id, box);
      this._over.append(box);
    }
  }

  clear() {
    this._file = "";
    this._pieces.clear();
    this._drawn.clear();
    this._over.replaceChildren();
  }

  /** Mark one person's outline. @param {string | null} person */
  choose(person) {
    for (const [id, box] of this._drawn) box.classList.toggle("chosen", id === person);
  }

  /** Draw attention to a person for a moment. @param {string | null} person */
  light(person) {
    for (const [id, box] of this._drawn) {
      box.classList.remove("lit");
      void box.offsetWidth; // restarts the animation
      box.classList.toggle("lit", id === person);
    }
  }

  /** @param {number} time */
  move(time) {
    this._time = time;
    if (!this._file || !this._drawn.size) return;
    const number = Math.floor(time / PIECE);
    const piece = this._pieces.get(number);
    if (!piece) {
      void this._fetch(number);
      return;
    }
    for (const [person, element] of this._drawn) {
      const rows = piece.find((one) => one.person === person);
      place(element, rows ? boxAt(rows, this._still ? 0 : time) : null);
    }
  }

  /** @param {number} number */
  async _fetch(number) {
    const file = this._file;
    this._pieces.set(number, []);
    try {
      const start = number * PIECE;
      const found = await api.series(file, start, start + PIECE, POINTS);
      if (file !== this._file) return;
      this._pieces.set(number, found.people);
      this.move(this._time);
    } catch {
      // Outlines are an addition; when the server does not answer, the next question says so.
      if (file === this._file) this._pieces.delete(number);
    }
  }
}

/** @param {PersonRows} rows @param {number} time @returns {Box | null} */
export function boxAt(rows, time) {
  let low = 0;
  let high = rows.time.length - 1;
  if (high < 0) return null;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rows.time[middle] <= time + 1e-3) low = middle;
    else high = middle - 1;
  }
  return Math.abs(rows.time[low] - time) <= NEAR ? rows.boxes[low] : null;
}

/** @param {HTMLElement} element @param {Box | null} box */
function place(element, box) {
  element.hidden = !box;
  if (!box) return;
  const [x, y, width, height] = box.map((share) => `${(100 * share).toFixed(2)}%`);
  Object.assign(element.style, { left: x, top: y, width, height });
}
