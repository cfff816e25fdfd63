// Draws one row of the timeline. Knows rows and shapes; the look is in timeline.css.
import { drawn } from "./dom.js";
import { numbers } from "./rows.js";
import { Scale, area, fit, gapOf, lanes, line, pieces, ticks, wide, within, words } from "./shapes.js";

/** @typedef {import("./rows.js").Row} Row */
/** @typedef {import("./types.d.ts").Cue} Cue */
/** @typedef {import("./types.d.ts").Feelings} Feelings */
/** @typedef {import("./types.d.ts").Felt} Felt */
/** @typedef {import("./types.d.ts").View} View */

const LANE = 22; // pixels
const LANES = 4;
const SHARE = 0.08; // of a moment; less of a label is not drawn
const TOP = 15; // pixels over a curve, for the marks of events

/** Labels in the order in which they are stacked. */
export const LABELS = [
  "happiness", "surprise", "anger", "disgust", "contempt", "fear", "sadness",
];

/**
 * @param {Row} row @param {Feelings} feelings @param {View} view @param {number} width pixels
 * @returns {{picture: SVGSVGElement, left: number}} and how many cues found no room
 */
export function draw(row, feelings, view, width) {
  const placed = row.kind === "cues" ? spread(row.cues, new Scale(view, width, 0)) : null;
  const height = placed ? LANE * placed.lanes + 6 : row.height;
  const scale = new Scale(view, width, height);
  const picture = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  for (const tick of ticks(view, width)) {
    const x = scale.x(tick).toFixed(1);
    picture.append(drawn("line", { x1: x, x2: x, y1: 0, y2: height, class: "grid" }));
  }
  if (placed) picture.append(...placed.chips(scale));
  else if (row.kind === "feelings") picture.append(...felt(feelings, scale));
  else if (row.kind === "course") picture.append(...course(feelings, scale));
  else if (row.kind === "unit") picture.append(...unit(row, scale));
  else if (row.kind === "voice") picture.append(...voice(row, scale));
  else picture.append(...head(row, scale));
  return { picture, left: placed ? placed.left : 0 };
}

/** Shares stacked from the floor, the label that leads written over its span.
 * @param {Feelings} feelings @param {Scale} scale */
function* felt(feelings, scale) {
  const floor = scale.height - 1;
  const full = floor - TOP - 2;
  const base = feelings.moments.map(() => 0);
  for (const label of LABELS) {
    let path = "";
    feelings.moments.forEach((moment, n) => {
      const share = moment.shares[label] ?? 0;
      if (share < SHARE || !scale.overlaps(moment.start, moment.end)) return;
      const [a, b] = [scale.x(moment.start).toFixed(1), scale.x(moment.end).toFixed(1)];
      const low = (floor - full * base[n]).toFixed(1);
      const high = (floor - full * (base[n] + share)).toFixed(1);
      path += `M${a} ${low}L${a} ${high}L${b} ${high}L${b} ${low}Z`;
      base[n] += share;
    });
    if (path) yield drawn("path", { d: path, class: `felt ${label}` });
  }
  for (const one of feelings.moments) {
    if (!one.unknown || !scale.overlaps(one.start, one.end)) continue;
    const [a, b] = [scale.x(one.start), scale.x(one.end)];
    yield drawn("rect", { x: a, width: b - a, y: TOP, height: floor - TOP, class: "unclear" });
  }
  yield ground(scale, floor);
  for (const span of feelings.spans) {
    const [a, b] = [Math.max(0, scale.x(span.start)), Math.min(scale.width, scale.x(span.end))];
    const text = b > a ? fit(span.label, 12, b - a - 4) : "";
    const kind = span.label === "neutral" ? "leads quiet" : "leads";
    if (text.length > 2) yield words((a + b) / 2, 12, text, kind, "middle");
  }
}

/** Valence and arousal with a band of one standard deviation.
 * @param {Feelings} feelings @param {Scale} scale */
function* course(feelings, scale) {
  const middle = scale.height / 2;
  const y = (/** @type {number} */ value) =>
    middle - (middle - 3) * Math.min(Math.max(value, -1), 1);
  /** @type {["valence" | "arousal", "valence_sd" | "arousal_sd"][]} */
  const lines = [["valence", "valence_sd"], ["arousal", "arousal_sd"]];
  for (const part of runs(feelings.moments)) {
    const x = (/** @type {Felt} */ one) => scale.x((one.start + one.end) / 2);
    for (const [name, sd] of lines) {
      const above = part.map((one) => ({ x: x(one), y: y(one[name] + one[sd]) }));
      const below = part.map((one) => ({ x: x(one), y: y(one[name] - one[sd]) })).reverse();
      yield drawn("path", { d: `${line([...above, ...below])}Z`, class: `${name} band` });
    }
    for (const [name] of lines) {
      const points = part.map((one) => ({ x: x(one), y: y(one[name]) }));
      yield drawn("path", { d: line(points), class: name });
    }
  }
  yield ground(scale, middle);
}

/** Moments that follow on one another. @param {Felt[]} moments @returns {Felt[][]} */
function runs(moments) {
  /** @type {Felt[][]} */
  const found = [];
  moments.forEach((one, n) => {
    if (!n || one.start - moments[n - 1].end > 0.01) found.push([]);
    found[found.length - 1].push(one);
  });
  return found;
}

/** Intensity filled, darker within events. @param {Row} row @param {Scale} scale */
function* unit(row, scale) {
  const floor = scale.height - 2;
  const y = (/** @type {number} */ value) =>
    floor - ((floor - TOP) * Math.min(Math.max(value, 0), 5)) / 5;
  const time = row.rows?.time ?? [];
  const column = row.rows?.columns[row.columns[0]] ?? [];
  const curve = pieces(scale, time, column, y, gapOf(time));
  for (const piece of curve) yield drawn("path", { d: area(piece, floor), class: "curve" });
  yield ground(scale, floor);
  const shown = row.cues.filter((cue) => scale.overlaps(cue.start, cue.end));
  const ranked = [...shown].sort(
    (a, b) => Number(b.brief) - Number(a.brief) || (b.intensity ?? 0) - (a.intensity ?? 0),
  );
  const room = lanes(ranked.map((cue) => markRoom(cue, scale)), 1);
  for (const cue of shown) {
    const group = cueGroup(cue, scale);
    const [a, b] = [scale.x(cue.start), scale.x(cue.end)];
    const inside = curve.map((piece) => area(within(piece, a, b), floor)).join("");
    if (inside) group.append(drawn("path", { d: inside, class: "event" }));
    else group.append(bar(a, b, y(cue.intensity ?? 1), floor));
    if (room[ranked.indexOf(cue)] === 0) {
      const apex = scale.x(cue.apex);
      const d = mark(cue, apex);
      group.append(drawn("path", { d, class: "mark" }), markText(cue, apex, scale));
    }
    yield group;
  }
}

/** @param {number} a @param {number} b @param {number} top @param {number} floor */
const bar = (a, b, top, floor) =>
  drawn("rect", { x: a, width: Math.max(2, b - a), y: top, height: floor - top, class: "event" });

/** A diamond for a brief event, else a triangle. @param {Cue} cue @param {number} x */
function mark(cue, x) {
  const [l, m, r] = [x - 4.5, x, x + 4.5].map((at) => at.toFixed(1));
  return cue.brief ? `M${l} 8L${m} 3L${r} 8L${m} 13Z` : `M${l} 4L${r} 4L${m} 12Z`;
}

/** @param {Cue} cue */
const named = (cue) => `${cue.id}${cue.grade ? ` ${cue.grade}` : ""}`;

/** @param {Cue} cue @param {Scale} scale @returns {[number, number]} */
function markRoom(cue, scale) {
  const apex = scale.x(cue.apex);
  const need = wide(named(cue), 11) + 8;
  return apex + need > scale.width ? [apex - need, apex + 5] : [apex - 5, apex + need];
}

/** @param {Cue} cue @param {number} apex @param {Scale} scale */
function markText(cue, apex, scale) {
  const left = apex + wide(named(cue), 11) + 8 > scale.width;
  return words(left ? apex - 7 : apex + 7, 12, named(cue), "id", left ? "end" : "start");
}

/** Loudness filled, pitch as a line, speech shaded. @param {Row} row @param {Scale} scale */
function* voice(row, scale) {
  const floor = scale.height - 2;
  for (const cue of row.cues) {
    if (!scale.overlaps(cue.start, cue.end)) continue;
    const group = cueGroup(cue, scale);
    const [a, b] = [scale.x(cue.start), scale.x(cue.end)];
    group.append(
      drawn("rect", { x: a, width: Math.max(2, b - a), y: 0, height: floor, class: "speech" }),
      words(a + 4, 12, named(cue), "id"),
    );
    yield group;
  }
  const { time, columns } = /** @type {import("./types.d.ts").Rows} */ (row.rows);
  const loud = numbers(columns.energy_db).reduce((a, b) => Math.max(a, b), -100);
  const gap = gapOf(time);
  const up = (/** @type {number} */ share) => floor - (floor - TOP) * Math.min(Math.max(share, 0), 1);
  const energy = (/** @type {number} */ db) => up((db - loud + 45) / 45);
  for (const piece of pieces(scale, time, columns.energy_db ?? [], energy, gap)) {
    yield drawn("path", { d: area(piece, floor), class: "loud" });
  }
  const pitch = numbers(columns.f0_hz).sort((a, b) => a - b);
  const low = Math.log2((pitch[Math.floor(pitch.length * 0.02)] ?? 60) / 1.2);
  const high = Math.log2((pitch[Math.floor(pitch.length * 0.98)] ?? 400) * 1.2);
  const tone = (/** @type {number} */ hz) => up((Math.log2(hz) - low) / Math.max(high - low, 0.5));
  for (const piece of pieces(scale, time, columns.f0_hz ?? [], tone, Math.min(gap, 0.12))) {
    yield drawn("path", { d: line(piece), class: "pitch" });
  }
  yield ground(scale, floor);
}

/** Turn and tip of the head, 40 degrees either way. @param {Row} row @param {Scale} scale */
function* head(row, scale) {
  const middle = scale.height / 2;
  yield ground(scale, middle);
  const time = row.rows?.time ?? [];
  const y = (/** @type {number} */ angle) =>
    middle - (middle - 2) * Math.min(Math.max(angle / 40, -1), 1);
  for (const name of row.columns) {
    for (const piece of pieces(scale, time, row.rows?.columns[name] ?? [], y, gapOf(time))) {
      yield drawn("path", { d: line(piece), class: name });
    }
  }
}

/**
 * Cues as chips with their words, in as many lanes as they need.
 * @param {Cue[]} cues @param {Scale} scale
 */
function spread(cues, scale) {
  const shown = cues.filter((cue) => scale.overlaps(cue.start, cue.end));
  /** @type {[number, number][]} */
  const places = shown.map((cue) => {
    const a = Math.max(0, scale.x(cue.start));
    const b = Math.min(scale.width, scale.x(cue.end));
    const start = Math.min(a, Math.max(0, scale.width - 30));
    return [start, Math.min(scale.width, Math.max(b, start + 30))];
  });
  const found = lanes(places, LANES);
  const drawChip = (/** @type {Cue} */ cue, /** @type {number} */ n, /** @type {Scale} */ full) => {
    const [a, b] = places[n];
    const y = 3 + LANE * found[n];
    const group = cueGroup(cue, full);
    const text = cue.sense === "words" ? `${cue.id} “${cue.text}”` : `${cue.id} ${cue.text}`;
    group.append(
      drawn("rect", { x: a, y, width: b - a, height: LANE - 4, rx: 4, class: "chip" }),
      words(a + 5, y + 13, fit(text, 12, b - a - 10) || cue.id, "said"),
    );
    return group;
  };
  return {
    lanes: Math.max(1, ...found.map((lane) => lane + 1)),
    left: found.filter((lane) => lane < 0).length,
    /** @param {Scale} full */
    *chips(full) {
      for (const [n, cue] of shown.entries()) if (found[n] >= 0) yield drawChip(cue, n, full);
    },
  };
}

/** What belongs to one cue, and can be clicked. @param {Cue} cue @param {Scale} scale */
function cueGroup(cue, scale) {
  const kind = `cue of-${cue.sense}${cue.brief ? " brief" : ""}`;
  const group = drawn("g", { class: kind, "data-cue": cue.id });
  const [a, b] = [scale.x(cue.start), scale.x(cue.end)];
  const hit = { x: a - 3, width: Math.max(8, b - a + 6), y: 0, height: scale.height };
  group.append(drawn("title", {}, `${cue.id}: ${cue.text}`));
  if (scale.height && cue.sense === "face") group.append(drawn("rect", { ...hit, class: "hit" }));
  return group;
}

/** @param {Scale} scale @param {number} y */
const ground = (scale, y) =>
  drawn("line", { x1: 0, x2: scale.width, y1: y, y2: y, class: "ground" });
