// Shapes of what the server gives: docs/serving.md and /openapi.json say more. Read by the type
// checker alone; no browser gets this file.

export type Sense = "face" | "head" | "voice" | "words";

export interface Cue {
  id: string;
  sense: Sense;
  person: string | null;
  code: string;
  side: "L" | "R" | "B" | null;
  start: number;
  apex: number;
  end: number;
  intensity: number | null;
  grade: string | null;
  value: number | null;
  unit: string | null;
  brief: boolean;
  text: string;
  confidence: number;
}

export interface Person {
  id: string;
  main: boolean;
  start: number;
  end: number;
  share: number;
  size: number;
  speaking: number;
  doubt: string | null;
}

export interface Media {
  kind: "video" | "image" | "audio";
  duration: number;
  width: number;
  height: number;
  has_video: boolean;
  has_audio: boolean;
}

export interface Missing {
  what: string;
  why: string;
}

export interface Evidence {
  media: Media;
  people: Person[];
  cues: Cue[];
  missing: Missing[];
}

/** Columns of equal length; null where nothing was measured. */
export type Columns = Record<string, (number | null)[]>;

export interface Rows {
  time: number[];
  columns: Columns;
}

/** x, y, width, height as shares of the picture. */
export type Box = [number, number, number, number];

export interface PersonRows extends Rows {
  person: string;
  boxes: (Box | null)[];
}

export interface Series {
  start: number;
  end: number;
  people: PersonRows[];
  voice: Rows | null;
  names: Record<string, string>;
}

/** One moment: shares by label, pleasure and energy -1…1 with one standard deviation. */
export interface Felt {
  start: number;
  end: number;
  shares: Record<string, number>;
  valence: number;
  valence_sd: number;
  arousal: number;
  arousal_sd: number;
  /** No label stands out. */
  unknown: boolean;
}

export interface Feelings {
  person: string | null;
  moments: Felt[];
  spans: { start: number; end: number; label: string }[];
}

export interface Emotion {
  label: string;
  share: number;
}

export interface Answer {
  answer: string;
  person: string | null;
  emotions: Emotion[];
  confidence: number;
  model: string;
  missing: Missing[];
}

/** The field `duchenne` of an answer. */
export interface Whole {
  answer: Answer;
  cues: Cue[];
  conversation: string | null;
  media: Media;
}

/** Seconds. */
export interface View {
  start: number;
  end: number;
}

/** All that is drawn over time, of one person. */
export interface Shown {
  evidence: Evidence;
  series: Series;
  feelings: Feelings;
  person: string | null;
}
