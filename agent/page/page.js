// The page: a clip, its cues over time, questions beside it. Uses the public endpoints only.
import { events } from "/page/events.js";

/** @param {string} id @returns {any} */
const at = (id) => document.getElementById(id);
const state = { file: null, conversation: null, key: "" };

function headers(more = {}) {
  return state.key ? { ...more, Authorization: `Bearer ${state.key}` } : more;
}

async function call(path, options = {}) {
  const response = await fetch(path, { ...options, headers: headers(options.headers) });
  if (response.ok) return response;
  if (response.status === 401) at("unlock").hidden = false;
  const body = await response.json().catch(() => null);
  throw new Error(body?.error?.message ?? `the server answered with status ${response.status}`);
}

function tell(text) { at("status").textContent = text; }

async function models() {
  const list = await (await call("/v1/models")).json();
  at("model").replaceChildren(...list.data.map((one) => new Option(one.id, one.id)));
}

async function chosen(file) {
  await forget();
  const url = URL.createObjectURL(file);
  const still = file.type.startsWith("image/");
  at("video").hidden = still;
  at("still").hidden = !still;
  (still ? at("still") : at("video")).src = url;
  at("stage").hidden = false;
  at("timeline").replaceChildren();
  at("talk").replaceChildren();
  tell("Sending the clip …");
  const form = new FormData();
  form.append("purpose", "user_data");
  form.append("file", file);
  state.file = (await (await call("/v1/files", { method: "POST", body: form })).json()).id;
  at("ask").querySelector("button").disabled = false;
  tell("The clip is there. Ask.");
  at("question").focus();
}

async function forget() {
  if (!state.file) return;
  const file = state.file;
  state.file = state.conversation = null;
  at("ask").querySelector("button").disabled = true;
  await call(`/v1/files/${file}`, { method: "DELETE" });
}

async function ask(question) {
  add("asked", question);
  const row = add("answer", "");
  at("progress").hidden = false;
  const body = {
    model: at("model").value,
    stream: true,
    conversation: state.conversation ?? "new",
    messages: [{ role: "user", content: [{ type: "text", text: question }] }],
  };
  if (!state.conversation) {
    body.messages[0].content.unshift({ type: "file", file: { file_id: state.file } });
  }
  const response = await call("/v1/chat/completions", {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  });
  for await (const chunk of events(response)) {
    if (chunk.error) throw new Error(chunk.error.message);
    const delta = chunk.choices?.[0]?.delta ?? {};
    if (chunk.duchenne?.progress !== undefined) {
      at("progress").value = chunk.duchenne.progress;
      tell(`${chunk.duchenne.step} …`);
    }
    if (delta.reasoning) tell(delta.reasoning.trim());
    if (delta.content) row.textContent += delta.content;
    if (chunk.duchenne?.answer) whole(row, chunk.duchenne);
  }
  tell("");
}

function whole(row, found) {
  state.conversation = found.conversation;
  const cues = new Map(found.cues.map((cue) => [cue.id, cue]));
  const parts = row.textContent.split(/\b([AHVW]\d+)\b/);
  row.replaceChildren(...parts.map((part, index) => {
    const cue = index % 2 ? cues.get(part) : null;
    if (!cue) return document.createTextNode(part);
    const button = document.createElement("button");
    button.className = "cite";
    button.textContent = part;
    button.title = cue.text;
    button.setAttribute("aria-label", `${part}: ${cue.text}, at ${cue.apex.toFixed(1)} seconds`);
    button.onclick = () => show(cue);
    return button;
  }));
  draw(found.cues, found.media.duration);
}

function draw(cues, duration) {
  at("timeline").replaceChildren(...cues.map((cue) => {
    const row = document.createElement("li");
    row.id = `cue-${cue.id}`;
    const span = document.createElement("span");
    span.className = "span";
    span.style.left = `${(100 * cue.start) / (duration || 1)}%`;
    span.style.width = `${(100 * (cue.end - cue.start)) / (duration || 1)}%`;
    const button = document.createElement("button");
    button.textContent = `${cue.id} ${cue.person ?? ""} ${cue.apex.toFixed(1)} s: ${cue.text}`;
    button.onclick = () => show(cue);
    row.append(span, button);
    return row;
  }));
}

function show(cue) {
  for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
  const row = at(`cue-${cue.id}`);
  row?.classList.add("lit");
  row?.scrollIntoView({ block: "nearest" });
  if (!at("video").hidden) at("video").currentTime = cue.apex;
}

function add(kind, text) {
  const row = document.createElement("li");
  row.className = kind;
  row.textContent = text;
  at("talk").append(row);
  return row;
}

async function carefully(work) {
  try { await work(); } catch (error) { tell(`Sorry: ${error.message}`); }
  at("progress").hidden = true;
}

at("file").onchange = () => at("file").files[0] && carefully(() => chosen(at("file").files[0]));
at("drop").ondragover = (event) => { event.preventDefault(); at("drop").classList.add("over"); };
at("drop").ondragleave = () => at("drop").classList.remove("over");
at("drop").ondrop = (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file) carefully(() => chosen(file));
};
at("ask").onsubmit = (event) => {
  event.preventDefault();
  if (state.file) carefully(() => ask(at("question").value));
};
at("unlock").onsubmit = (event) => {
  event.preventDefault();
  state.key = at("key").value;
  at("unlock").hidden = true;
  carefully(models);
};
at("delete").onclick = () => carefully(async () => {
  await forget();
  at("stage").hidden = true;
  tell("The clip and what was measured in it are deleted.");
});
carefully(models);
