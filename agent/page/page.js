// The page: a clip, what was measured in it over time, a talk about it. Joins the parts; each
// part has a file of its own.
import * as api from "./api.js";
import { Clock } from "./clock.js";
import { Cues } from "./cues.js";
import { at, made, sentence } from "./dom.js";
import { Faces } from "./faces.js";
import { listen } from "./inputs.js";
import { People } from "./people.js";
import { cuesOf } from "./rows.js";
import { Stage } from "./stage.js";
import { Status } from "./status.js";
import { Talk } from "./talk.js";
import { theme } from "./theme.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./types.d.ts").Cue} Cue */
/** @typedef {import("./types.d.ts").Shown} Shown */
/** @typedef {import("./types.d.ts").View} View */

const POINTS = 600; // of a curve over the timeline's width
const SUBTITLES = /\.(srt|vtt|json)$/i;

/** What belongs to one clip; another clip gets another one. */
class Clip {
  /** @param {File} file */
  constructor(file) {
    this.file = file;
    this.id = "";
    /** @type {string | null} */
    this.conversation = null;
    /** @type {string | null} */
    this.asked = null;
    /** @type {Shown | null} */
    this.shown = null;
    this.leaving = new AbortController();
  }
}

/** @type {Clip | null} */
let clip = null;
let asking = false;
/** @type {(() => void) | null} what to do once there is a key */
let again = null;

const status = new Status();
const clock = new Clock(at("video", HTMLVideoElement));
const stage = new Stage(clock);
const faces = new Faces(at("faces", HTMLDivElement), (person) => choose(person, true));
const people = new People((person, asked) => choose(person, asked));
const cues = new Cues(show);
const talk = new Talk(show);
const timeline = new Timeline(clock, {
  cue: show,
  next: (step) => {
    const cue = cues.beside(step);
    if (cue) show(cue);
  },
  zoomed: refine,
});
clock.on((time) => {
  timeline.move(time);
  faces.move(time);
  cues.move(time);
});

/**
 * Look at a clip, from its bytes to its timeline.
 * @param {File} file @param {File | null} subtitles
 */
async function look(file, subtitles) {
  void leave().catch(() => undefined); // what is not deleted now expires by itself
  const mine = new Clip(file);
  clip = mine;
  const { signal } = mine.leaving;
  document.body.classList.add("open");
  at("name", HTMLSpanElement).textContent = file.name;
  stage.show(file);
  try {
    status.working("sending the clip", 0);
    const sent = (/** @type {number} */ share) => status.working("sending the clip", share);
    mine.id = await api.upload(file, subtitles, sent, signal);
    status.working("waiting for a place to work", null);
    const told = (/** @type {number} */ share, /** @type {string} */ step) =>
      status.working(step, share);
    const evidence = await api.measure(mine.id, told, signal);
    const main = evidence.people.find((person) => person.main)?.id ?? null;
    stage.is(evidence.media);
    status.working("drawing the timeline", null);
    const [series, feelings] = await Promise.all([
      api.series(mine.id, 0, evidence.media.duration, POINTS),
      api.feelings(mine.id, main),
    ]);
    if (mine !== clip) return;
    mine.shown = { evidence, series, feelings, person: main };
    opened(mine.shown);
  } catch (error) {
    if (mine === clip) troubled(error, "Try again", () => void look(file, subtitles));
  }
}

/** @param {Shown} shown */
function opened(shown) {
  const { evidence, series } = shown;
  status.done();
  faces.start(clip?.id ?? "", evidence, series);
  const seen = evidence.media.has_video && stage.seen;
  const still = evidence.media.kind === "image";
  people.start(evidence.people, series.people, seen ? { url: stage.url, still } : null);
  drawAll(shown);
  const missing = evidence.missing.map((one) => made("li", "", "", made("b", "", one.what), ` ${one.why}`));
  at("missing", HTMLUListElement).replaceChildren(...missing);
  at("lacking", HTMLElement).hidden = !missing.length;
  for (const id of ["found", "here"]) at(id, HTMLElement).hidden = false;
  const count = evidence.people.length;
  const who = count === 1 ? "1 person" : `${count || "no"} people`;
  status.say(`Measured: ${who}, ${evidence.cues.length} cues. Ask a question.`);
  ready();
}

/** @param {Shown} shown */
function drawAll(shown) {
  timeline.show(shown);
  cues.show(cuesOf(shown));
  faces.choose(shown.person);
  clock.refresh();
}

/** Another person's timeline. @param {string | null} person @param {boolean} asked */
async function choose(person, asked) {
  const mine = clip;
  if (!mine?.shown) return;
  const { evidence } = mine.shown;
  if (asked) mine.asked = person;
  people.choose(mine.asked);
  const whom = person ?? evidence.people.find((one) => one.main)?.id ?? null;
  if (whom === mine.shown.person) return;
  try {
    const feelings = await api.feelings(mine.id, whom);
    if (mine !== clip || !mine.shown) return;
    mine.shown = { ...mine.shown, person: whom, feelings };
    drawAll(mine.shown);
    status.say(`Showing ${whom}.`);
  } catch (error) {
    troubled(error);
  }
}

/** Jump to a cue and light it up, everywhere. @param {Cue} cue */
async function show(cue) {
  if (cue.person && cue.person !== clip?.shown?.person) await choose(cue.person, false);
  clock.pause();
  clock.seek(cue.apex);
  timeline.light(cue);
  cues.light(cue);
  faces.light(cue.person);
  status.say(`${cue.id}, at ${cue.apex.toFixed(1)} seconds: ${cue.text}`);
}

let waiting = 0;
/** Finer curves for the part that is shown. @param {View} view */
function refine(view) {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const mine = clip;
    if (!mine?.shown) return;
    try {
      const series = await api.series(mine.id, view.start, view.end, POINTS);
      if (mine === clip) timeline.refine(series);
    } catch (error) {
      troubled(error);
    }
  }, 250);
}

/** @param {string} text */
async function ask(text) {
  const mine = clip;
  if (!mine?.shown || asking) return;
  asking = true;
  ready();
  const reply = talk.asked(text);
  const question = {
    text,
    model: at("model", HTMLSelectElement).value,
    file: mine.id,
    conversation: mine.conversation,
    person: mine.asked,
  };
  try {
    for await (const part of api.ask(question, mine.leaving.signal)) {
      if (part.share !== undefined) reply.doing(sentence(part.step ?? ""));
      else if (part.step) reply.step(part.step);
      if (part.text) reply.more(part.text);
      if (part.whole) {
        mine.conversation = part.whole.conversation;
        reply.whole(part.whole);
      }
    }
    status.say("The answer is there.");
  } catch (error) {
    if (mine !== clip) return;
    reply.failed(reason(error));
    locked(error);
  } finally {
    asking = false;
    ready();
  }
}

/** @param {unknown} error @returns {string} */
function reason(error) {
  if (!(error instanceof api.Failure)) throw error;
  const wait = error.wait ? ` Try again in ${error.wait} s.` : "";
  return sentence(error.message) + wait;
}

/** @param {unknown} error */
function locked(error) {
  const wants = error instanceof api.Failure && error.status === 401;
  if (wants) {
    at("unlock", HTMLFormElement).hidden = false;
    at("key", HTMLInputElement).focus();
  }
  return wants;
}

/** @param {unknown} error @param {string} [label] @param {() => void} [way] */
function troubled(error, label, way) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  again = way ?? null;
  const why = reason(error);
  if (!locked(error)) status.failed(why, label, way);
  else status.done();
}

/** Forget the clip here, and have the server forget it. */
async function leave() {
  const old = clip;
  clip = null;
  old?.leaving.abort();
  for (const part of [status, stage, faces, people, timeline, talk]) part.clear();
  for (const id of ["found", "here"]) at(id, HTMLElement).hidden = true;
  document.body.classList.remove("open");
  ready();
  if (old?.id) await api.remove(old.id);
}

function ready() {
  at("send", HTMLButtonElement).disabled = !clip?.shown || asking;
}

async function models() {
  try {
    const names = await api.models();
    at("model", HTMLSelectElement).replaceChildren(...names.map((name) => new Option(name, name)));
  } catch (error) {
    troubled(error, "Try again", () => void models());
  }
}

/** A clip, with its subtitles or without; or subtitles for the clip that is there.
 * @param {File[]} files */
function given(files) {
  const subtitles = files.find((file) => SUBTITLES.test(file.name)) ?? null;
  const media = files.find((file) => !SUBTITLES.test(file.name)) ?? clip?.file;
  if (media) void look(media, subtitles);
  else status.failed("these are subtitles; choose the clip together with them");
}

async function forget() {
  try {
    await leave();
    status.say("The clip and what was measured in it are deleted.");
  } catch (error) {
    troubled(error);
  }
}

/** @param {string} key */
async function unlock(key) {
  api.unlock(key);
  const next = again;
  again = null;
  await models();
  next?.();
}

theme(at("theme", HTMLButtonElement));
listen({ given, ask: (text) => void ask(text), unlock: (key) => void unlock(key), forget });
void models();
