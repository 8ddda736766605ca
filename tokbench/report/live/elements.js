"use strict";
// Small tools of the page: elements, numbers, requests.

export const at = (id) => document.getElementById(id);

export const make = (tag, content, attributes = {}) => {
  const element = document.createElement(tag);
  if (content !== undefined) element.textContent = content;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

export const write = (number, digits = 0) =>
  number === null ? "\u2013" : number.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const post = async (path, document, signal) => {
  const reply = await fetch(path, { method: "POST", signal, headers: { "Content-Type": "application/json" },
    body: JSON.stringify(document) });
  return { ok: reply.ok, answer: await reply.json() };
};

// A number with its unit, in the singular if it is one.
export const count = (number, unit) => `${write(number)} ${unit}${number === 1 ? "" : "s"}`;

// What is wrong, per thing that it is about: an answer to a question settles nothing about a file.
const problems = new Map();
export const complain = (message, about = "question") => {
  problems.set(about, message);
  at("problem").textContent = [...problems.values()].filter(Boolean).join("; ");
};

export const SILENT = "The server does not answer: is tokbench view still running?";
