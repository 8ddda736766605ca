"use strict";
// A card per tokenizer: its tokens and ids of both texts.

import { at, complain, count, make, post, SILENT, write } from "./elements.js";
import { clear, Lane } from "./lanes.js";

const cards = new Map();         // name -> card
const NONE = { ends: new Set(), inner: [] };

// Ends of words and places inside words, in UTF-16 code units, by the dictionaries of the browser.
const findWords = (text, most) => {
  if (!Intl.Segmenter) return NONE;
  const ends = new Set(), inner = new Uint8Array(most + 1);
  for (const { segment, index, isWordLike } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(text.slice(0, most + 200))) {
    if (index >= most) break;
    if (!isWordLike) continue;
    ends.add(index + segment.length);
    inner.fill(1, index + 1, index + segment.length);
  }
  return { ends, inner };
};
const lastEnd = (list) => Math.max(0, ...list.map((shown) => shown.pieces.findLast((piece) => piece[3] !== null)?.[3] ?? 0));

const MOST_PIECES = 20000;      // of a tokenizer, as the server limits them

const copyIds = async (name, question) => {
  let answer;
  try {
    ({ answer } = await post("api/encode", { ...question, second: "", tokenizers: [name], pieces: 0, ids: true }));
  } catch {
    complain(SILENT, "server");
    return;
  }
  const found = answer.results?.[0];
  if (!found || found.error) { complain(answer.error ?? found.error); return; }
  try {
    await navigator.clipboard.writeText(JSON.stringify(found.ids));
    at("status").textContent = `${count(found.ids.length, "id")} of ${name} copied`;
  } catch {
    complain("The browser does not allow copying: select the ids instead");
  }
};

class Card {
  constructor(name, more) {
    this.name = name;
    this.element = make("article");
    this.count = make("span", "", { class: "soft" });
    this.copy = make("button", "Copy ids", { type: "button", "aria-label": `Copy ids of ${name}` });
    this.copy.addEventListener("click", () => copyIds(name, this.question));
    this.fault = make("p", "", { class: "soft" });
    this.more = make("button", "", { type: "button" });
    this.more.addEventListener("click", more);
    this.rest = make("p", "", { class: "soft" });
    this.first = new Lane(`the text by ${name}`, false);
    this.second = new Lane(`the second text by ${name}`, true);
    this.title = make("h3");
    const head = make("header");
    head.append(make("h2", name), this.count, this.copy);
    this.lossy = make("p", "The text cannot be restored from these tokens.", { class: "warning" });
    this.element.append(head, this.fault, this.lossy, this.first.box, this.more, this.rest, this.first.ids, this.title, this.second.box, this.second.ids);
  }

  show(result, question, words) {
    this.question = question;
    const failed = result.error !== undefined, second = failed ? null : result.second;
    this.fault.textContent = result.error ?? "";
    for (const one of [this.count, this.copy, this.first.box, this.first.ids]) one.hidden = failed;
    for (const one of [this.title, this.second.box, this.second.ids]) one.hidden = !second;
    this.lossy.hidden = failed || result.exact;
    const rest = failed ? 0 : result.tokens - result.pieces.length, asked = question.pieces >= MOST_PIECES;
    this.more.hidden = rest <= 0 || asked;
    this.more.textContent = `${count(rest, "more token")}`;
    this.rest.textContent = rest > 0 && asked ? `${count(rest, "more token")} not shown here` : "";
    if (failed) this.first.hide();
    else {
      this.count.textContent = count(result.tokens, "token");
      this.first.show(result, result.tokens, words.first);
    }
    if (second) {
      this.title.textContent = `Second text: ${count(result.second_tokens, "token")}`;
      this.second.show(second, result.second_tokens, words.second);
    } else this.second.hide();
  }

  hide() {
    this.first.hide();
    this.second.hide();
  }

  forget() {
    this.first.forget();
    this.second.forget();
  }
}

// Draw all tokens again next time: they look different now.
export const forgetCards = () => cards.forEach((card) => card.forget());

export const showCards = (answer, question, more) => {
  clear();
  const names = answer.results.map((result) => result.tokenizer);
  const done = answer.results.filter((result) => !result.error), marking = at("words").checked;
  const words = {
    first: marking && !question.messages.length ? findWords(question.text, lastEnd(done)) : NONE,
    second: marking ? findWords(question.second, lastEnd(done.map((one) => one.second).filter(Boolean))) : NONE,
  };
  at("results").classList.toggle("words", marking);
  at("legend").classList.toggle("words", marking && !(question.messages.length && !question.second));
  at("differs").hidden = !question.reference || names.length < 2;
  at("differs").firstChild.textContent = `differs from ${question.reference}`;
  for (const [name, card] of cards) if (!names.includes(name)) { card.hide(); cards.delete(name); }
  for (const result of answer.results) {
    if (!cards.has(result.tokenizer)) cards.set(result.tokenizer, new Card(result.tokenizer, more));
    cards.get(result.tokenizer).show(result, question, words);
  }
  const wanted = names.map((name) => cards.get(name).element), present = [...at("results").children];
  if (wanted.length !== present.length || wanted.some((one, i) => one !== present[i])) at("results").replaceChildren(...wanted);
};
