// Which rows the timeline has, from what was measured. Knows no drawing.

/** @typedef {import("./types.d.ts").Shown} Shown */
/** @typedef {import("./types.d.ts").Cue} Cue */
/** @typedef {import("./types.d.ts").Rows} Rows */

/**
 * One row of the timeline.
 * @typedef {object} Row
 * @property {"feelings" | "course" | "unit" | "lines" | "voice" | "cues"} kind
 * @property {string} name
 * @property {string} below
 * @property {number} height pixels
 * @property {Cue[]} cues
 * @property {Rows | null} rows
 * @property {string[]} columns
 */

const MOST = 12; // action units that are drawn at most
const FEWEST = 4;
const STRONG = 1.5;

/** @param {Shown} shown @returns {Row[]} from top to bottom */
export function rowsOf(shown) {
  const own = shown.series.people.find((one) => one.person === shown.person) ?? null;
  const voice = shown.series.voice;
  const cues = cuesOf(shown);
  /** @param {string} sense */
  const of = (sense) => cues.filter((cue) => cue.sense === sense);
  const rows = [];
  if (shown.feelings.moments.length) {
    rows.push(row("feelings", "Feelings", "what it fits", 64));
    rows.push(row("course", "Pleasure, energy", "green, purple; 1 sd", 56));
  }
  const words = of("words");
  if (words.length) rows.push(row("cues", "Words", "", 0, words));
  rows.push(...units(shown, own, of("face")));
  const head = of("head");
  if (own) {
    rows.push(row("lines", "Head", "turn, tip", 40, [], own, ["pose_yaw", "pose_pitch"]));
  }
  if (head.length) rows.push(row("cues", "Head events", "", 0, head));
  const spoken = of("voice");
  if (voice?.time.length) {
    const said = spoken.filter((cue) => cue.code === "speech");
    rows.push(row("voice", "Voice", "loudness, pitch", 64, said, voice, ["energy_db", "f0_hz"]));
  }
  const other = spoken.filter((cue) => cue.code !== "speech" || !voice?.time.length);
  if (other.length) rows.push(row("cues", "Voice events", "", 0, other));
  return rows;
}

/** Cues of the person that is shown, and of nobody in particular. @param {Shown} shown */
export function cuesOf(shown) {
  const { people, cues } = shown.evidence;
  return cues.filter(
    (cue) => cue.person === shown.person || cue.person === null || !people.length,
  );
}

/**
 * @param {Row["kind"]} kind @param {string} name @param {string} below @param {number} height
 * @param {Cue[]} [cues] @param {Rows | null} [rows] @param {string[]} [columns]
 * @returns {Row}
 */
function row(kind, name, below, height, cues = [], rows = null, columns = []) {
  return { kind, name, below, height, cues, rows, columns };
}

/**
 * One row an action unit: those with events, the strongest first; then strong ones without.
 * @param {Shown} shown @param {Rows | null} own @param {Cue[]} cues @returns {Row[]}
 */
function units(shown, own, cues) {
  const known = Object.keys(shown.series.names);
  const eventful = [...new Set(cues.map((cue) => cue.code))];
  const codes = [...known, ...eventful.filter((code) => !known.includes(code))];
  const weight = new Map(
    codes.map((code) => {
      const events = cues.filter((cue) => cue.code === code);
      const strength = events.reduce((sum, cue) => sum + 10 + (cue.intensity ?? 0), 0);
      return [code, strength + Math.max(0, ...numbers(own?.columns[code]))];
    }),
  );
  const ranked = codes.sort((a, b) => (weight.get(b) ?? 0) - (weight.get(a) ?? 0));
  const kept = ranked.filter((code) => eventful.includes(code)).slice(0, MOST);
  const quiet = own ? ranked.filter((code) => !eventful.includes(code)) : [];
  const strong = quiet.filter((code) => (weight.get(code) ?? 0) >= STRONG);
  kept.push(...strong.slice(0, Math.max(0, MOST - 4 - kept.length)));
  const rest = quiet.filter((code) => !kept.includes(code));
  kept.push(...rest.slice(0, Math.max(0, FEWEST - kept.length)));
  return [...known, ...eventful]
    .filter((code, n, all) => kept.includes(code) && all.indexOf(code) === n)
    .map((code) => {
      const events = cues.filter((cue) => cue.code === code);
      return row("unit", code, shown.series.names[code] ?? "", 40, events, own, [code]);
    });
}

/** @param {(number | null)[] | undefined} column @returns {number[]} */
export function numbers(column) {
  return (column ?? []).filter((value) => value !== null);
}
