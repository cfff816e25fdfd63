// Shapes over time as SVG: curves, areas, texts that fit. Knows pixels; nothing of cues.
import { drawn } from "./dom.js";

/** @typedef {import("./types.d.ts").View} View */

/** Where moments and values lie in one row. */
export class Scale {
  /** @param {View} view @param {number} width @param {number} height pixels */
  constructor(view, width, height) {
    this.view = view;
    this.width = width;
    this.height = height;
  }

  /** @param {number} time @returns {number} */
  x(time) {
    const span = Math.max(this.view.end - this.view.start, 1e-6);
    return ((time - this.view.start) / span) * this.width;
  }

  /** @param {number} start @param {number} end */
  overlaps(start, end) {
    return start <= this.view.end && end >= this.view.start;
  }
}

/** @typedef {{x: number, y: number}} Point */

/**
 * Pieces of a curve without a gap.
 * @param {Scale} scale @param {number[]} time @param {(number | null)[]} column
 * @param {(value: number) => number} y @param {number} gap seconds
 * @returns {Point[][]}
 */
export function pieces(scale, time, column, y, gap) {
  /** @type {Point[][]} */
  const found = [];
  let last = -Infinity;
  time.forEach((when, n) => {
    const value = column[n];
    if (value === null || value === undefined) return;
    if (when - last > gap) found.push([]);
    found[found.length - 1].push({ x: scale.x(when), y: y(value) });
    last = when;
  });
  return found;
}

/** Longest step between rows that is no gap, in seconds. @param {number[]} time */
export function gapOf(time) {
  const steps = time.slice(1).map((when, n) => when - time[n]);
  steps.sort((a, b) => a - b);
  return Math.max(0.35, 3 * (steps[steps.length >> 1] ?? 0));
}

/** @param {Point[]} points */
export const line = (points) =>
  points.map((p, n) => `${n ? "L" : "M"}${p.x.toFixed(1)} ${p.y.toFixed(1)}`).join("");

/** @param {Point[]} points @param {number} floor */
export function area(points, floor) {
  if (!points.length) return "";
  const [first, last] = [points[0], points[points.length - 1]];
  return `${line(points)}L${last.x.toFixed(1)} ${floor}L${first.x.toFixed(1)} ${floor}Z`;
}

/** The part of a curve between two moments. @param {Point[]} points @param {number} a
 * @param {number} b pixels */
export const within = (points, a, b) => points.filter((p) => p.x >= a - 0.5 && p.x <= b + 0.5);

const pen = document.createElement("canvas").getContext("2d");

/** Pixels a text takes. @param {string} text @param {number} size */
export function wide(text, size) {
  if (!pen) return text.length * size * 0.55;
  pen.font = `${size}px system-ui, sans-serif`;
  return pen.measureText(text).width;
}

/** A text that takes at most so many pixels. @param {string} text @param {number} size
 * @param {number} room */
export function fit(text, size, room) {
  if (wide(text, size) <= room) return text;
  let length = text.length;
  while (length && wide(`${text.slice(0, length)}…`, size) > room) length -= 1;
  return length ? `${text.slice(0, length).trimEnd()}…` : "";
}

/**
 * The first lane with room for each stretch of pixels; -1 where none of `most` has any.
 * @param {[number, number][]} stretches @param {number} most @returns {number[]}
 */
export function lanes(stretches, most) {
  /** @type {[number, number][][]} */
  const taken = Array.from({ length: most }, () => []);
  return stretches.map(([a, b]) => {
    const lane = taken.findIndex((others) => others.every(([c, d]) => b + 4 <= c || a >= d + 4));
    if (lane >= 0) taken[lane].push([a, b]);
    return lane;
  });
}

/** Moments to write at an axis, in seconds. @param {View} view @param {number} room pixels */
export function ticks(view, room) {
  const span = view.end - view.start;
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];
  const step = steps.find((one) => (room * one) / Math.max(span, 1e-6) >= 56) ?? 600;
  const found = [];
  for (let at = Math.ceil(view.start / step) * step; at <= view.end + 1e-6; at += step) {
    found.push(Math.round(at * 10) / 10);
  }
  return found;
}

/** @param {number} x @param {number} y @param {string} text @param {string} kind
 * @param {string} [anchor] */
export const words = (x, y, text, kind, anchor = "start") =>
  drawn("text", { x: x.toFixed(1), y, class: kind, "text-anchor": anchor }, text);
