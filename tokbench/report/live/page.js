"use strict";
// The page: what is asked, what is kept in the address, and the table of counts.

import { at, complain, count, make, post, SILENT, write } from "./elements.js";
import { EXAMPLES, FIRST, MESSAGES, SECOND } from "./examples.js";
import * as tokenizers from "./tokenizers.js";
import { clear } from "./lanes.js";
import { forgetCards, showCards } from "./tokens.js";

const MOST_IN_URL = 4000;
const PIECES = 1600;
const KEEP = 400;
const FLOOR = 512;               // vocabularies of bytes: a floor, not a competitor
const ROLES = ["system", "user", "assistant", "tool"];
const BOXES = ["spaces", "words", "ids"];
const text = at("text"), second = at("second");
const MOST_REFUSALS = 3;         // of one question, after which only a change of it asks again
let aside = { key: "", names: new Set(), fault: "" };  // what ended its process on a text: left out until the text changes
let refusals = 0;
let pieces = 0, busy = false, again = false, keeping = 0, kept = "", last = null, started = 0;

const asChat = () => at("as-chat").checked;
const clean = (value) => value.toWellFormed?.() ?? value;

// ---- chat messages

const addMessage = ({ role, content }) => {
  const item = make("li"), box = make("textarea", undefined, { rows: "2", dir: "auto", spellcheck: "false", "aria-label": "Content of the message" });
  const roles = make("select", undefined, { "aria-label": "Role of the message" });
  roles.append(...ROLES.map((one) => make("option", one)));
  roles.value = ROLES.includes(role) ? role : "user";
  box.value = content;
  const away = make("button", "\u00d7", { type: "button", "aria-label": "Remove the message" });
  away.addEventListener("click", () => { item.remove(); at("add-message").focus(); ask(); });
  item.append(roles, box, away);
  at("messages").append(item);
};
const readMessages = () => [...at("messages").children].map((item) => ({
  role: item.querySelector("select").value, content: clean(item.querySelector("textarea").value) }));
const showMode = () => {
  at("chat-input").hidden = !asChat();
  at("text-input").hidden = asChat();
};

// ---- the address: a fragment, which browsers never send

const writeState = () => {
  const state = new URLSearchParams(), messages = asChat() ? JSON.stringify(readMessages()) : "";
  const short = text.value.length + second.value.length + messages.length <= MOST_IN_URL;
  if (short) state.set("text", text.value);
  if (short && second.value) state.set("second", second.value);
  if (short && messages) { state.set("messages", messages); state.set("template", at("template").value); }
  state.set("tokenizers", tokenizers.shareable().join("\n"));
  for (const name of ["model", "price"]) if (at(name).value) state.set(name, at(name).value);
  if (at("reference").value !== (tokenizers.names()[0] ?? "")) state.set("reference", at("reference").value);
  if (at("special").checked) state.set("special", "yes");
  for (const name of BOXES) if (!at(name).checked) state.set(name, "no");
  kept = `#${state}`;
  history.replaceState(null, "", kept);
};
const isShort = () => text.value.length + second.value.length <= MOST_IN_URL;
const keepState = () => {
  clearTimeout(keeping);
  keeping = setTimeout(writeState, KEEP);
};
const readState = async () => {
  const state = new URLSearchParams(location.hash.slice(1));
  text.value = state.get("text") ?? (location.hash ? "" : EXAMPLES.get(FIRST));
  second.value = state.get("second") ?? "";
  let messages = MESSAGES;
  try { messages = JSON.parse(state.get("messages") ?? "null") ?? MESSAGES; } catch { complain("The messages in this address cannot be read", "address"); }
  at("messages").replaceChildren();
  if (Array.isArray(messages)) for (const one of messages) addMessage({ role: one?.role, content: String(one?.content ?? "") });
  at(state.has("messages") ? "as-chat" : "as-text").checked = true;
  at("template").value = state.get("template") === "chatml" ? "chatml" : "own";
  for (const name of ["model", "price"]) at(name).value = state.get(name) ?? "";
  at("special").checked = state.get("special") === "yes";
  for (const name of BOXES) at(name).checked = state.get(name) !== "no";
  showMode();
  await tokenizers.choose(state.has("tokenizers") ? state.get("tokenizers").split("\n").filter(Boolean) : null);
  if (state.has("reference")) at("reference").value = state.get("reference");
};

// ---- counts

// Few tokens are no merit if the text is lost.
const bracket = (result, written) => (result.exact ? written : `(${written})`);
const COLUMNS = [
  { title: "tokens", when: () => true, cell: (result) => bracket(result, write(result.tokens)), kind: "count" },
  { title: "bytes per token", when: () => true, cell: (result) => bracket(result, write(result.tokens ? result.bytes / result.tokens : null, 2)) },
  { title: "second text", when: (question) => question.second, cell: (result) => write(result.second_tokens) },
  { title: "\u00f7 second text", when: (question) => question.second, cell: (result) => bracket(result, write(result.ratio, 2)) },
  { title: "price", when: () => Number(at("price").value) > 0, cell: (result) => {
    const price = result.tokens * Number(at("price").value) / 1e6;
    return price ? price.toLocaleString("en", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 }) : "0";
  } },
  { title: "GFLOP to read", when: (question) => question.model, cell: (result) => write(result.cost.gflop, 1) },
  { title: "cache, MiB", when: (question) => question.model,
    cell: (result) => write(result.cost.kv_mib, 1) + (result.cost.fits ? "" : " (beyond the context)") },
];
const showCounts = (answer, question) => {
  const columns = COLUMNS.filter((column) => column.when(question)), head = make("tr");
  head.append(make("th", "tokenizer", { scope: "col", class: "name" }), ...columns.map((column) => make("th", column.title, { scope: "col" })));
  at("counts").tHead.replaceChildren(head);
  const done = answer.results.filter((result) => !result.error).sort((a, b) => b.exact - a.exact || a.tokens - b.tokens);
  const most = Math.max(1, ...done.map((result) => result.tokens));
  at("counts").tBodies[0].replaceChildren(...done.map((result) => {
    const isFloor = (tokenizers.facts(result.tokenizer)?.vocabulary ?? FLOOR) < FLOOR;
    const row = make("tr", undefined, { class: `${isFloor ? "floor" : ""} ${result.exact ? "" : "lossy"}`.trim() });
    const name = make("th", undefined, { scope: "row" }), bar = make("span", undefined, { class: "bar" });
    bar.style.width = `${100 * result.tokens / most}%`;
    name.append(make("bdi", result.tokenizer), ...(result.exact ? [] : [make("span", " loses text", { class: "soft" })]), bar);
    row.append(name, ...columns.map((column) => make("td", column.cell(result), column.kind ? { class: column.kind } : {})));
    return row;
  }));
};

// ---- asking

const nameContent = () => JSON.stringify([text.value, second.value, asChat() && readMessages(), at("template").value, at("special").checked]);
const makeQuestion = () => {
  if (aside.key !== nameContent()) aside = { key: nameContent(), names: new Set(), fault: "" };
  const names = tokenizers.ready().filter((name) => !aside.names.has(name));
  return {
    text: clean(text.value), second: clean(second.value), tokenizers: names,
    reference: at("reference").value || null, model: at("model").value || null, special: at("special").checked,
    messages: asChat() ? readMessages() : [], template: at("template").value,
    pieces: pieces || Math.max(200, Math.floor(PIECES / Math.max(names.length * (second.value ? 2 : 1), 1))),
  };
};
const showAnswer = (answer, question) => {
  if (!question.reference) for (const result of answer.results) for (const one of [result, result.second]) if (one) one.differs = null;
  showCounts(answer, question);
  showCards(answer, question, () => { pieces = 20000; ask(); });
  const size = asChat() ? count(question.messages.length, "message") : `${count(answer.chars, "character")}, ${count(answer.bytes, "byte")}`;
  at("status").textContent = size + (isShort() ? "" : "; too long for the address of this page to keep");
};
const notePaint = () => requestAnimationFrame(() => setTimeout(() => {
  const page = document.documentElement.dataset;
  page.milliseconds = Math.round(performance.now() - started);
  page.asked = Number(page.asked ?? 0) + 1;
}));
const ask = async () => {
  if (busy) { again = true; return; }
  busy = true;
  do {
    again = false;
    const question = makeQuestion();
    keepState();
    try {
      const { ok, answer } = await post("api/encode", question);
      if (again) continue;           // the text has changed since
      complain("", "server");
      complain(ok ? aside.fault : answer.error);
      if (!ok) {
        refusals += 1;
        for (const name of answer.culprits ?? []) { aside.names.add(name); aside.fault = `${answer.error} (left out until the text changes)`; }
        if (answer.error) await tokenizers.refresh();
        continue;
      }
      last = { answer, question };
      showAnswer(answer, question);
      notePaint();
      if (answer.results.some((result) => result.error)) tokenizers.refresh();
    } catch (error) {
      complain(error instanceof TypeError ? SILENT : String(error), "server");
    }
  } while (again);
  busy = false;
};
const redraw = () => { if (last) showAnswer(last.answer, last.question); keepState(); };
const askAnew = () => {
  started = performance.now();
  pieces = refusals = 0;
  ask();
};
// A tokenizer is ready, or gone. One that ends its process is loaded again: this must not ask for ever.
const askAgain = () => { if (refusals < MOST_REFUSALS) ask(); };

const listen = () => {
  at("question").addEventListener("submit", (event) => event.preventDefault());
  for (const box of [text, second]) box.addEventListener("input", askAnew);
  at("messages").addEventListener("input", askAnew);
  for (const name of ["special", "reference", "model", "template"]) at(name).addEventListener("change", askAnew);
  for (const name of BOXES) at(name).addEventListener("change", () => { forgetCards(); redraw(); });
  at("price").addEventListener("input", redraw);
  for (const name of ["as-text", "as-chat"]) at(name).addEventListener("change", () => { showMode(); askAnew(); });
  at("add-message").addEventListener("click", () => { addMessage({ role: "user", content: "" }); at("messages").lastChild.querySelector("textarea").focus(); askAnew(); });
  at("example").addEventListener("change", () => {
    const name = at("example").value;
    if (!name) return;
    text.value = EXAMPLES.get(name);
    second.value = SECOND.get(name) ?? "";
    at("as-text").checked = true;
    at("example").value = "";
    showMode();
    askAnew();
  });
  window.addEventListener("hashchange", async () => { if (location.hash !== kept) { await readState(); askAnew(); } });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });
};

const begin = async () => {
  const setup = await (await fetch("api/setup")).json();
  at("model").append(...setup.models.map((size) => make("option", size)));
  at("example").append(...[...EXAMPLES.keys()].map((name) => make("option", name)));
  await tokenizers.start(setup.offline, askAgain);
  await readState();
  listen();
  askAnew();
};
begin().catch((error) => complain(error instanceof TypeError ? SILENT : String(error), "server"));
