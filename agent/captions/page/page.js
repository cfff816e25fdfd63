// Reads rows from the server beside this page and sends decisions back. Everything that came
// from a clip or a model goes into the page as text, never as markup.
"use strict";

const at = (id) => document.getElementById(id);
let rows = [], shown = [], place = -1, current = null;

const clock = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;

function made(tag, text, more = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  return Object.assign(node, more);
}

async function got(path) {
  const reply = await fetch(path);
  if (!reply.ok) throw new Error(await reply.text());
  return reply.json();
}

const where = (row) => `id=${encodeURIComponent(row.id)}&person=${encodeURIComponent(row.person)}`;

function listed() {
  const wanted = at("filter").value, word = at("find").value.toLowerCase();
  shown = rows.filter((row) =>
    (wanted === "" || (wanted === "open" ? !row.review : row.review === wanted)) &&
    (row.id + " " + row.caption).toLowerCase().includes(word));
  const items = shown.slice(0, 2000).map((row, n) => {
    const item = made("li", row.id + (row.person && !row.main ? ` ${row.person}` : ""));
    item.className = row.review || "";
    item.append(made("small", row.caption));
    item.onclick = () => open(n);
    return item;
  });
  at("list").replaceChildren(...items);
  const looked = rows.filter((row) => row.review).length;
  at("tally").textContent = `${looked} of ${rows.length} looked at`;
  mark();
}

function mark() {
  [...at("list").children].forEach((item, n) => {
    if (n === place) { item.setAttribute("aria-current", "true"); item.scrollIntoView({block: "nearest"}); }
    else item.removeAttribute("aria-current");
  });
}

function seek(time) {
  const player = at("media").querySelector("video, audio");
  if (player) { player.currentTime = time; player.play(); }
}

function cueButton(id) {
  const button = made("button", id, {className: "cue", type: "button"});
  const cue = current.cues.find((one) => one.id === id);
  if (cue) {
    button.title = cue.text;
    button.onclick = () => {
      document.querySelectorAll("tr.lit").forEach((row) => row.classList.remove("lit"));
      const row = document.getElementById(`cue-${id}`);
      if (row) row.classList.add("lit");
      seek(cue.start);
    };
  }
  return button;
}

async function open(n) {
  if (n < 0 || n >= shown.length) return;
  place = n;
  mark();
  const row = current = await got(`row?${where(shown[n])}`);
  at("one").hidden = false;
  at("name").textContent = row.id + (row.person ? ` · ${row.person}` : "");
  at("facts").textContent = [
    row.emotions.slice(0, 3).map((e) => `${e.label} ${Math.round(100 * e.share)} %`).join(", ")
      || "cannot tell",
    `confidence ${row.confidence.toFixed(2)}`,
    `valence ${row.valence.toFixed(2)}, arousal ${row.arousal.toFixed(2)}`,
    row.model, row.style,
    row.gold_conditioned ? "knew the label" : "",
    row.labels ? `owners say ${row.labels}` : "",
  ].filter(Boolean).join(" · ");
  const kinds = {video: "video", audio: "audio", image: "img"};
  const player = document.createElement(kinds[row.kind]);
  player.src = `clip?${where(row)}`;
  player.controls = true;
  at("media").replaceChildren(row.has_clip ? player : made("p", "The clip's file is not there."));
  at("spans").replaceChildren(...row.spans.map((span) => {
    const piece = made("div", span.emotion || "?", {title: span.caption});
    piece.setAttribute("role", "listitem");
    piece.style.flexGrow = Math.max(span.end - span.start, 0.01);
    piece.onclick = () => seek(span.start);
    return piece;
  }));
  at("sentences").replaceChildren(...row.sentences.flatMap((one) =>
    [made("span", one.text), ...one.cites.map(cueButton), document.createTextNode(" ")]));
  at("beside").hidden = row.beside === null;
  if (row.beside !== null) {
    at("beside-name").textContent = row.beside.name;
    at("beside-caption").textContent = row.beside.caption;
  }
  at("mended").value = row.review_caption || row.caption;
  at("note").value = row.review_note || "";
  at("said").textContent = row.review || "";
  at("strip").src = `strip?${where(row)}`;
  at("cues").replaceChildren(...row.cues.map((cue) => {
    const line = made("tr", "", {id: `cue-${cue.id}`});
    line.append(made("td", cue.id), made("td", clock(cue.start)), made("td", clock(cue.apex)),
      made("td", clock(cue.end)), made("td", cue.text), made("td", cue.confidence.toFixed(2)));
    return line;
  }));
}

async function decide(review) {
  if (current === null) return;
  const mended = at("mended").value.trim();
  const told = {
    id: current.id, person: current.person, review,
    caption: mended === current.caption ? null : mended, note: at("note").value.trim() || null,
  };
  const reply = await fetch("decision", {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(told),
  });
  at("said").textContent = reply.ok ? (review || "taken back") : await reply.text();
  if (!reply.ok) return;
  const row = rows.find((one) => one.id === told.id && one.person === told.person);
  row.review = review;
  const here = place, left = at("filter").value;
  listed();
  if (review) await open(left === "" ? here + 1 : here);
}

const busy = () => ["TEXTAREA", "INPUT", "SELECT"].includes(document.activeElement.tagName);
document.addEventListener("keydown", (event) => {
  if (busy() || event.ctrlKey || event.metaKey || event.altKey) return;
  const deeds = {
    j: () => open(place + 1), k: () => open(place - 1), a: () => decide("accepted"),
    r: () => decide("rejected"), u: () => decide(null),
  };
  if (deeds[event.key]) { event.preventDefault(); deeds[event.key](); }
});
at("accept").onclick = () => decide("accepted");
at("reject").onclick = () => decide("rejected");
at("reopen").onclick = () => decide(null);
at("filter").onchange = at("find").oninput = () => { place = -1; listed(); };
got("rows").then((found) => { rows = found; listed(); open(0); });
