// Whom to look at: one choice a person, with a picture of the face where it can be seen.
import { at, made } from "./dom.js";

/** @typedef {import("./types.d.ts").PersonRows} PersonRows */
/** @typedef {import("./types.d.ts").Person} Person */
/** @typedef {{time: number, box: import("./types.d.ts").Box}} Shot */

const SIDE = 96; // pixels of a portrait; shown at half of it
const AROUND = 1.25; // how much more than the face's box is cut out

/** A group of choices. */
export class People {
  /** @param {(person: string | null, asked: boolean) => void} chosen */
  constructor(chosen) {
    this._chosen = chosen;
    this._group = at("people", HTMLFieldSetElement);
    this._choices = at("choices", HTMLDivElement);
    this._round = 0;
  }

  clear() {
    this._round += 1;
    this._group.hidden = true;
    this._choices.replaceChildren();
  }

  /**
   * @param {Person[]} people @param {PersonRows[]} rows
   * @param {{url: string, still: boolean} | null} clip None where its picture cannot be seen here
   */
  start(people, rows, clip) {
    this.clear();
    if (people.length < 2) return;
    const round = this._round;
    this._group.hidden = false;
    this._choices.append(this._choice("", "Anyone", "as the question says", null));
    const wanted = people.map((person) => {
      const canvas = made("canvas");
      canvas.width = canvas.height = SIDE;
      canvas.setAttribute("aria-hidden", "true");
      this._choices.append(this._choice(person.id, person.id, about(person), canvas));
      const own = rows.find((one) => one.person === person.id);
      return { canvas, shot: own ? best(own) : null };
    });
    if (clip) void portraits(clip, wanted, () => round === this._round);
  }

  /** Show who is chosen. @param {string | null} person */
  choose(person) {
    for (const input of this._choices.querySelectorAll("input")) {
      input.checked = input.value === (person ?? "");
    }
  }

  /** @param {string} value @param {string} name @param {string} more @param {Node | null} face */
  _choice(value, name, more, face) {
    const input = made("input");
    input.type = "radio";
    input.name = "person";
    input.value = value;
    input.checked = !value;
    input.addEventListener("change", () => this._chosen(value || null, true));
    const words = made("span", "words", "", made("b", "", name), made("small", "", more));
    return made("label", "choice", "", input, ...(face ? [face] : []), words);
  }
}

/** @param {Person} person */
function about(person) {
  if (person.doubt) return person.doubt;
  const seen = person.size > 0 ? `seen ${Math.round(100 * person.share)} %` : "heard";
  return person.speaking >= 0.05 ? `${seen}, speaks ${Math.round(100 * person.speaking)} %` : seen;
}

/** The moment at which a face is seen best. @param {PersonRows} rows @returns {Shot | null} */
function best(rows) {
  const quality = rows.columns.quality ?? [];
  let found = -1;
  rows.boxes.forEach((box, n) => {
    if (box && (found < 0 || (quality[n] ?? 0) > (quality[found] ?? 0))) found = n;
  });
  const box = found < 0 ? null : rows.boxes[found];
  return box ? { time: rows.time[found], box } : null;
}

/**
 * Cut the portraits out of the clip, one after the other.
 * @param {{url: string, still: boolean}} clip
 * @param {{canvas: HTMLCanvasElement, shot: Shot | null}[]} wanted
 * @param {() => boolean} current
 */
async function portraits(clip, wanted, current) {
  const source = clip.still ? new Image() : made("video");
  source.src = clip.url;
  await once(source, clip.still ? "load" : "loadeddata");
  for (const { canvas, shot } of wanted) {
    if (!shot || !current()) continue;
    if (source instanceof HTMLVideoElement) {
      source.currentTime = shot.time;
      await once(source, "seeked");
    }
    cut(source, shot.box, canvas);
  }
  source.removeAttribute("src");
}

/** @param {HTMLImageElement | HTMLVideoElement} source @param {Shot["box"]} box
 * @param {HTMLCanvasElement} canvas */
function cut(source, box, canvas) {
  const still = source instanceof HTMLImageElement;
  const width = still ? source.naturalWidth : source.videoWidth;
  const height = still ? source.naturalHeight : source.videoHeight;
  const side = AROUND * Math.max(box[2] * width, box[3] * height);
  const x = (box[0] + box[2] / 2) * width - side / 2;
  const y = (box[1] + box[3] / 2) * height - side / 2;
  canvas.getContext("2d")?.drawImage(source, x, y, side, side, 0, 0, SIDE, SIDE);
  canvas.dataset.drawn = "true";
}

/** @param {EventTarget} target @param {string} event @returns {Promise<void>} */
function once(target, event) {
  return new Promise((resolve) => {
    target.addEventListener(event, () => resolve(), { once: true });
    setTimeout(resolve, 3000); // a clip that cannot be shown has no portraits
  });
}
