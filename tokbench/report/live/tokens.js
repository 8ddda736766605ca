"use strict";
// A card per tokenizer: its tokens, whole characters over their bytes, ids, and what links them.

import { at, complain, make, post, write } from "./elements.js";

const CLASSES = ["", " in-grapheme", " in-character"];
const MARKS = new Map([[" ", "\u00b7"], ["\n", "\u21b5"], ["\t", "\u2192\t"], ["\u3000", "\u25a1"], ["\u00a0", "\u237d"]]);
const SPACE = /(\s)/u;
const lanes = [];                // what is shown: one per list of tokens

// Ends of words and places inside words, in UTF-16 code units, by the dictionaries of the browser.
export const findWords = (text, most) => {
  const ends = new Set(), inner = new Uint8Array(most + 1);
  if (!Intl.Segmenter) return { ends, inner };
  for (const { segment, index, isWordLike } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(text.slice(0, most + 200))) {
    if (index >= most) break;
    if (!isWordLike) continue;
    ends.add(index + segment.length);
    inner.fill(1, index + 1, index + segment.length);
  }
  return { ends, inner };
};

const fill = (element, text) => {
  if (!at("spaces").checked || !SPACE.test(text)) {
    element.textContent = text.replace(/\n$/, "");
    return;
  }
  const parts = text.split(SPACE).filter(Boolean);
  parts.forEach((part, i) => {
    if (!SPACE.test(part)) element.append(part);
    else element.append(make("span", MARKS.get(part) ?? "\u2423", { class: "space" }), ...(part === "\n" && i < parts.length - 1 ? ["\n"] : []));
  });
};

const hexPairs = (hex) => hex.replace(/..(?=.)/g, "$& ");

// What a token ends with is put after it, so that its border is on its own line.
const breakAfter = (shown, i) => (/\n$/.test(shown.pieces[i][1]) ? ["\n"] : []);

const makeToken = (shown, i, grouped, words) => {
  const [, text, hex, end, cut] = shown.pieces[i];
  let kind = `c${i % 4}${CLASSES[cut]}`;
  if (hex === null) kind += " special";
  if (end !== null && words.ends.has(end)) kind += " word-end";
  else if (end !== null && words.inner[end]) kind += " in-word";
  if (shown.differs?.[i]) kind += " differs";
  const token = make("bdi", undefined, { class: kind, "data-i": i });
  const partial = grouped && /^[0-9a-f]/.test(hex ?? "") && (cut === 2 || text.includes("\\x"));
  if (partial) token.textContent = hexPairs(hex);
  else fill(token, text);
  if (text.includes("\\")) token.dir = "ltr";
  return token;
};

const fillTokens = (box, shown, words) => {
  let next = 0;
  const single = (until) => {
    const tokens = [];
    for (; next < until; next++) tokens.push(makeToken(shown, next, false, words), ...breakAfter(shown, next));
    box.append(...tokens);
  };
  for (const [first, count, text] of shown.groups) {
    single(first);
    const group = make("span", undefined, { class: "group" });
    const whole = make("bdi", undefined, { class: "whole" }), parts = make("span", undefined, { class: "parts" });
    fill(whole, text);
    for (; next < Math.min(first + count, shown.pieces.length); next++) parts.append(makeToken(shown, next, true, words));
    group.append(whole, parts);
    box.append(group);
  }
  single(shown.pieces.length);
};

const fillIds = (box, shown, total) => {
  box.append("[");
  shown.pieces.forEach(([id], i) => {
    if (i) box.append(", ");
    box.append(make("span", id, { "data-i": i }));
  });
  box.append(total > shown.pieces.length ? ", \u2026]" : "]");
};

const describe = (shown, i, total) => {
  const [id, text, hex, , cut] = shown.pieces[i];
  const bytes = hex === null ? "special token" : `bytes ${hexPairs(hex)}`;
  const place = ["", ", ends inside a grapheme", ", ends inside a character"][cut];
  return `token ${write(i + 1)} of ${write(total)}: \u201c${text}\u201d, id ${id}, ${bytes}${place}`;
};

const spanOf = (shown, i) => {
  const end = shown.pieces[i][3];
  let start = 0;
  for (let j = i - 1; j >= 0; j--) if (shown.pieces[j][3] !== null) { start = shown.pieces[j][3]; break; }
  return end === null ? null : [start, end];
};

const clear = () => {
  at("about").textContent = "";
  document.querySelectorAll(".current, .linked").forEach((one) => one.classList.remove("current", "linked"));
};

const select = (lane, i) => {
  clear();
  lane.current = i;
  at("about").textContent = describe(lane.shown, i, lane.total);
  for (const box of [lane.box, lane.ids]) {
    const found = box?.querySelector(`[data-i="${i}"]`);
    found?.classList.add("current");
    if (found && box.scrollHeight > box.clientHeight) {
      const over = found.getBoundingClientRect(), frame = box.getBoundingClientRect();
      if (over.top < frame.top || over.bottom > frame.bottom) box.scrollTop += over.top - frame.top - frame.height / 2;
    }
  }
  const span = spanOf(lane.shown, i);
  if (!span) return;
  for (const other of lanes) {
    if (other === lane || other.second !== lane.second) continue;
    let start = 0;
    other.shown.pieces.some(([, , , end], j) => {
      if (end === null) return false;
      if (end > span[0] && start < span[1]) other.box.querySelector(`[data-i="${j}"]`)?.classList.add("linked");
      start = end;
      return start >= span[1];
    });
  }
};

const link = (lane) => {
  for (const box of [lane.box, lane.ids]) {
    box?.addEventListener("mouseover", (event) => {
      const token = event.target.closest("[data-i]");
      if (token) select(lane, Number(token.dataset.i));
    });
    box?.addEventListener("mouseleave", clear);
    box?.addEventListener("keydown", (event) => {
      const last = lane.shown.pieces.length - 1, now = lane.current ?? -1;
      const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: last }[event.key];
      if (event.key === "Escape") clear();
      if (to === undefined || last < 0) return;
      event.preventDefault();
      select(lane, Math.min(Math.max(to, 0), last));
    });
  }
};

const makeLane = (result, shown, total, second, words) => {
  const name = `${second ? "Second text" : "Text"} by ${result.tokenizer}`;
  const box = make("div", undefined, { class: "tokens", dir: "auto", tabindex: "0", role: "group", "aria-label": `Tokens: ${name}` });
  const lane = { shown, total, second, box };
  fillTokens(box, shown, words);
  if (at("ids").checked) {
    lane.ids = make("div", undefined, { class: "list", tabindex: "0", role: "group", "aria-label": `Ids: ${name}` });
    fillIds(lane.ids, shown, total);
  }
  link(lane);
  lanes.push(lane);
  return lane;
};

const copyIds = async (result, question) => {
  const { ok, answer } = await post("api/encode", { ...question, second: "", tokenizers: [result.tokenizer], pieces: 0, ids: true });
  const found = answer.results?.[0];
  if (!ok || found.error) { complain(answer.error ?? found.error); return; }
  try {
    await navigator.clipboard.writeText(JSON.stringify(found.ids));
    at("status").textContent = `${write(found.ids.length)} ids of ${result.tokenizer} copied`;
  } catch {
    complain("The browser does not allow copying: select the ids instead");
  }
};

const makeCard = (result, question, words, more) => {
  const card = make("article"), head = make("header");
  head.append(make("h2", result.tokenizer));
  card.append(head);
  if (result.error) {
    card.append(make("p", result.error, { class: "soft" }));
    return card;
  }
  const copy = make("button", "Copy ids", { type: "button", "aria-label": `Copy the ids of ${result.tokenizer}` });
  copy.addEventListener("click", () => copyIds(result, question));
  head.append(make("span", `${write(result.tokens)} tokens`, { class: "soft" }), copy);
  const lane = makeLane(result, result, result.tokens, false, words.first);
  card.append(lane.box);
  const rest = result.tokens - result.pieces.length;
  if (rest > 0) {
    const button = make("button", `${write(rest)} more tokens`, { type: "button" });
    button.addEventListener("click", more);
    card.append(button);
  }
  card.append(...(lane.ids ? [lane.ids] : []));
  if (result.second) {
    const second = makeLane(result, result.second, result.second_tokens, true, words.second);
    card.append(make("h3", `Second text: ${write(result.second_tokens)} tokens`), second.box, ...(second.ids ? [second.ids] : []));
  }
  return card;
};

const lastEnd = (list) => Math.max(0, ...list.map((shown) => shown.pieces.findLast((piece) => piece[3] !== null)?.[3] ?? 0));

export const showCards = (answer, question, more) => {
  lanes.length = 0;
  at("about").textContent = "";
  const done = answer.results.filter((result) => !result.error);
  const marking = at("words").checked;
  const none = { ends: new Set(), inner: [] };
  const words = {
    first: marking && !question.messages.length ? findWords(question.text, lastEnd(done)) : none,
    second: marking ? findWords(question.second, lastEnd(done.map((one) => one.second).filter(Boolean))) : none,
  };
  at("results").classList.toggle("words", marking);
  at("legend").classList.toggle("words", marking);
  at("results").replaceChildren(...answer.results.map((result) => makeCard(result, question, words, more)));
};
