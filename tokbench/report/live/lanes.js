"use strict";
// A list of tokens and a list of their ids, which are linked. Only what has changed is drawn again.

import { at, make, write } from "./elements.js";

const CLASSES = ["", " in-grapheme", " in-character"];
const MARKS = new Map([["\n", "\u21b5"], [" ", "\u00b7"], ["\t", "\u2192\t"], ["\u3000", "\u25a1"], ["\u00a0", "\u237d"]]);
const SPACE = /(\s)/u;
const lanes = new Set();         // those on the page

export const hexPairs = (hex) => hex.replace(/..(?=.)/g, "$& ");

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

const kindOf = (shown, i, words) => {
  const [, , hex, end, cut] = shown.pieces[i];
  let kind = `c${i % 4}${CLASSES[cut]}`;
  if (hex === null) kind += " special";
  if (end !== null && words.ends.has(end)) kind += " word-end";
  else if (end !== null && words.inner[end]) kind += " in-word";
  return shown.differs?.[i] ? `${kind} differs` : kind;
};

const makeToken = (shown, i, grouped, words) => {
  const [, text, hex, , cut] = shown.pieces[i];
  const token = make("bdi", undefined, { class: kindOf(shown, i, words), "data-i": i });
  if (grouped && hex !== null && (cut === 2 || text.includes("\\x"))) token.textContent = hexPairs(hex);
  else fill(token, text);
  if (text.includes("\\")) token.dir = "ltr";
  return token;
};

// What is drawn together: a token, or several that share a character; with a key that tells whether it has changed.
const listUnits = (shown, words) => {
  const units = [];
  let next = 0;
  const key = (i) => `${kindOf(shown, i, words)} ${shown.pieces[i][1]} ${shown.pieces[i][2]}`;
  const single = (until) => {
    for (; next < until; next++) {
      const i = next;
      // What a token ends with is put after it, so that its border is on its own line.
      const rest = shown.pieces[i][1].endsWith("\n") ? ["\n"] : [];
      units.push({ key: key(i), draw: () => [makeToken(shown, i, false, words), ...rest] });
    }
  };
  for (const [first, count, text] of shown.groups) {
    single(first);
    const tokens = Array.from({ length: Math.min(count, shown.pieces.length - first) }, (_, j) => first + j);
    next = first + tokens.length;
    units.push({ key: `${text} ${tokens.map(key).join(" ")}`, draw: () => {
      const group = make("span", undefined, { class: "group" });
      const whole = make("bdi", undefined, { class: "whole" }), parts = make("span", undefined, { class: "parts" });
      fill(whole, text);
      parts.append(...tokens.map((i) => makeToken(shown, i, true, words)));
      group.append(whole, parts);
      return [group];
    } });
  }
  single(shown.pieces.length);
  return units;
};

const update = (box, before, units) => {
  let same = 0;
  while (same < units.length && before[same]?.key === units[same].key) same++;
  if (same === 0) box.replaceChildren();
  else for (const { nodes } of before.slice(same)) for (const node of nodes) node.remove();
  const fresh = units.slice(same).map(({ key, draw }) => ({ key, nodes: draw().map((node) => (typeof node === "string" ? document.createTextNode(node) : node)) }));
  box.append(...fresh.flatMap(({ nodes }) => nodes));
  return [...before.slice(0, same), ...fresh];
};

const describe = (shown, i, total) => {
  const [id, text, hex, , cut] = shown.pieces[i];
  const bytes = hex === null ? "special token" : `bytes ${hexPairs(hex)}`;
  const place = ["", ", ends inside a grapheme", ", ends inside a character"][cut];
  return `token ${write(i + 1)} of ${write(total)}: \u201c${text}\u201d, id ${id}, ${bytes}${place}`;
};

export const clear = () => {
  at("about").textContent = "";
  document.querySelectorAll(".current, .linked").forEach((one) => one.classList.remove("current", "linked"));
};

const bring = (box, token) => {
  if (box.scrollHeight <= box.clientHeight) return;
  const over = token.getBoundingClientRect(), frame = box.getBoundingClientRect();
  if (over.top < frame.top || over.bottom > frame.bottom) box.scrollTop += over.top - frame.top - frame.height / 2;
};

export class Lane {
  constructor(name, second) {
    this.second = second;
    this.box = make("div", undefined, { class: "tokens", dir: "auto", tabindex: "0", role: "group", "aria-label": `Tokens of ${name}` });
    this.ids = make("div", undefined, { class: "list", tabindex: "0", role: "group", "aria-label": `Ids of ${name}` });
    for (const box of [this.box, this.ids]) this.listen(box);
    this.forget();
  }

  // Draw everything again next time.
  forget() {
    this.units = [];
    this.numbers = [];
    this.current = -1;
  }

  show(shown, total, words) {
    this.shown = shown;
    this.total = total;
    lanes.add(this);
    this.units = update(this.box, this.units, listUnits(shown, words));
    this.ids.hidden = !at("ids").checked;
    if (this.ids.hidden) {
      this.numbers = update(this.ids, [], []);
      return;
    }
    const tail = total > shown.pieces.length ? ", \u2026]" : "]";
    this.numbers = update(this.ids, this.numbers, [
      { key: "[", draw: () => ["["] },
      ...shown.pieces.map(([id], i) => ({ key: String(id), draw: () => [make("span", i ? `, ${id}` : id, { "data-i": i })] })),
      { key: tail, draw: () => [tail] },
    ]);
  }

  hide() {
    lanes.delete(this);
  }

  listen(box) {
    box.addEventListener("mouseover", (event) => {
      const token = event.target.closest("[data-i]");
      if (token) this.select(Number(token.dataset.i));
    });
    box.addEventListener("mouseleave", clear);
    box.addEventListener("keydown", (event) => {
      const last = this.shown.pieces.length - 1;
      const to = { ArrowRight: this.current + 1, ArrowLeft: this.current - 1, Home: 0, End: last }[event.key];
      if (event.key === "Escape") clear();
      if (to === undefined || last < 0) return;
      event.preventDefault();
      this.select(Math.min(Math.max(to, 0), last));
    });
  }

  // Mark a token and its id, and the tokens of the others at the same place of the text.
  select(i) {
    clear();
    this.current = i;
    at("about").textContent = describe(this.shown, i, this.total);
    for (const box of [this.box, this.ids]) {
      const token = box.querySelector(`[data-i="${i}"]`);
      token?.classList.add("current");
      if (token) bring(box, token);
    }
    const end = this.shown.pieces[i][3];
    if (end === null) return;
    const start = this.shown.pieces.slice(0, i).findLast((piece) => piece[3] !== null)?.[3] ?? 0;
    for (const other of lanes) if (other !== this && other.second === this.second) other.mark(start, end);
  }

  mark(start, end) {
    let begin = 0;
    this.shown.pieces.some(([, , , until], j) => {
      if (until === null) return false;
      if (until > start && begin < end) this.box.querySelector(`[data-i="${j}"]`)?.classList.add("linked");
      begin = until;
      return begin >= end;
    });
  }
}
