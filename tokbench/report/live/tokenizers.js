"use strict";
// The tokenizers of the page: which are shown, their states, adding and removing.

import { at, complain, make, post, SILENT, write } from "./elements.js";

const POLL = 250;
const MOST = 64;                 // as the server limits them
let chosen = [];                 // names, in the order shown
const known = new Map();         // name -> what the server says
let offline = false, polling = 0, changed = () => {};

const take = (answer) => {
  known.clear();
  for (const one of answer.tokenizers) known.set(one.name, one);
};
const failures = new Map();      // names that the server refused, and why

export const names = () => [...chosen];
export const ready = () => chosen.filter((name) => known.get(name)?.state === "ready");
export const facts = (name) => known.get(name);
export const shareable = () => chosen.filter((name) => !known.get(name)?.upload);

const describe = (name) => {
  const one = known.get(name);
  if (failures.has(name)) return { state: "failed", about: failures.get(name) };
  if (!one) return { state: "failed", about: "it is no longer loaded" };
  if (one.state === "ready") return { state: "ready", about: `${write(one.vocabulary)} ids`, title: one.engine };
  return one.state === "loading" ? { state: "loading", about: "loading" } : { state: "failed", about: one.fault };
};

const show = () => {
  const focused = document.activeElement?.dataset.key;
  at("tokenizers").replaceChildren(...chosen.map((name) => {
    const { state, about, title } = describe(name);
    const item = make("li", undefined, { class: state });
    item.append(make("bdi", name), make("span", about, { class: "state", ...(title && { title }) }));
    if (state === "failed") {
      const label = offline ? "Try again" : "Get it";
      const again = make("button", label, { type: "button", "aria-label": `${label}: ${name}`, "data-key": `get ${name}` });
      again.addEventListener("click", () => add(name, true));
      if (!name.startsWith("file: ")) item.append(again);
    }
    const away = make("button", "\u00d7", { type: "button", "aria-label": `Remove ${name}`, "data-key": `remove ${name}` });
    away.addEventListener("click", () => remove(name));
    item.append(away);
    return item;
  }));
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  const reference = at("reference"), before = reference.value;
  reference.replaceChildren(make("option", "nothing", { value: "" }), ...chosen.map((name) => make("option", name, { value: name })));
  reference.value = before && chosen.includes(before) ? before : before === "" && reference.dataset.set ? "" : chosen[0] ?? "";
  reference.dataset.set = "yes";
  const loading = chosen.filter((name) => describe(name).state === "loading").length;
  document.documentElement.dataset.loading = loading;
  clearTimeout(polling);
  if (loading) polling = setTimeout(refresh, POLL);
};

export const refresh = async () => {
  const before = ready().join("\n");
  try {
    take(await (await fetch("api/tokenizers")).json());
  } catch {
    complain(SILENT, "server");
    return;
  }
  complain("", "server");
  show();
  if (ready().join("\n") !== before) changed();
};

const include = (name) => {
  if (!chosen.includes(name)) chosen.push(name);
};

const send = async (path, document) => {
  try {
    return (await post(path, document)).answer;
  } catch {
    return { error: SILENT };
  }
};

export const add = async (name, online) => {
  const answer = await send("api/add", { name, online });
  const fault = answer.error ?? answer.fault;
  if (fault) {
    if (chosen.includes(name)) failures.set(name, fault);
    else complain(fault, "tokenizers");
    show();
    return false;
  }
  complain("", "tokenizers");
  failures.delete(name);
  take(answer);
  if (name !== answer.added && chosen.includes(answer.added) && !chosen.includes(name)) {
    complain(`${name} uses ${answer.added}, which is shown already`, "tokenizers");
    return true;
  }
  chosen = chosen.map((one) => (one === name ? answer.added : one)).filter((one, i, all) => all.indexOf(one) === i);
  include(answer.added);
  show();
  changed();
  return true;
};

const remove = async (name) => {
  const place = chosen.indexOf(name);
  chosen = chosen.filter((one) => one !== name);
  failures.delete(name);
  show();
  const next = at("tokenizers").querySelectorAll("[data-key^=remove]")[Math.max(0, place - 1)] ?? at("name");
  next.focus();
  changed();
  const answer = await send("api/remove", { name });
  complain(answer.error ?? "", "tokenizers");
  if (answer.error) return;
  take(answer);
};

// Returns why it failed, or nothing.
const upload = async (file) => {
  try {
    const reply = await fetch(`api/upload?name=${encodeURIComponent(file.name)}`, { method: "POST",
      headers: { "Content-Type": "application/octet-stream" }, body: file });
    const answer = await reply.json();
    const fault = answer.error ?? answer.fault;
    if (fault) return `${file.name}: ${fault}`;
    take(answer);
    include(answer.added);
    show();
    changed();
  } catch {
    return `${file.name} did not reach the server: it may be larger than 64 MiB or a folder, or tokbench view has ended`;
  }
};
// One after the other: together they may be more than the server takes at a time.
let last = Promise.resolve();
const uploadAll = (files) => {
  last = last.then(async () => {
    const faults = [];
    for (const file of files) faults.push(await upload(file));
    complain(faults.filter(Boolean).join("; "), "tokenizers");
  });
};

const listenToFiles = () => {
  at("open").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => { uploadAll([...at("file").files]); at("file").value = ""; });
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const cover = (shown) => { at("drop").hidden = !shown; };
  for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    cover(true);
  });
  // Of the window itself: also when the drag is cancelled.
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) cover(false); });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    cover(false);
    uploadAll([...event.dataTransfer.files]);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") cover(false); });
};

const listenToNames = () => {
  const submit = async () => {
    const name = at("name").value.trim();
    if (!name) at("name").focus();
    else if (await add(name, true)) at("name").value = "";
  };
  at("add").addEventListener("click", submit);
  at("name").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); submit(); }
  });
  at("name").addEventListener("focus", async () => {
    const options = [], entries = await fetch("api/catalog").then((reply) => reply.json()).catch(() => []);
    for (const entry of entries) {
      const where = entry.here ? "on this machine" : offline ? "not here" : "to be downloaded";
      options.push(make("option", `${where}${entry.licence ? `, ${entry.licence}` : ""}`, { value: entry.name }));
      for (const alias of entry.aliases) options.push(make("option", `${entry.name}, ${where}`, { value: alias }));
    }
    at("catalog").replaceChildren(...options);
  }, { once: true });
};

// Show these names: those that are not loaded are loaded if their files are here, since a link may name anything.
export const choose = async (wanted) => {
  chosen = [...new Set(wanted ?? known.keys())].slice(0, MOST);
  show();
  for (const name of chosen.filter((one) => !known.has(one))) await add(name, false);
};

export const start = async (isOffline, onChange) => {
  offline = isOffline;
  changed = onChange;
  take(await (await fetch("api/tokenizers")).json());
  listenToFiles();
  listenToNames();
};
