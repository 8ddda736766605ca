"use strict";
// Texts to start with.

const ENGLISH = "Tokenizers split a text into pieces, and models are paid by the piece. Common words are one token; " +
  "uncommonly long ones, such as antidisestablishmentarianism, are several.";
const THAI = "ภาษาไทยเขียนติดกันโดยไม่เว้นวรรคระหว่างคำ จึงไม่รู้ว่าคำจบที่ไหน";
const EMOJI = "👩‍👩‍👧‍👦 🇹🇭 👍🏽 ❤️ 🤷‍♀️ é e\u0301 ﷺ";
const CODE = "def area(radius: float) -> float:\n    \"\"\"Return the area of a circle.\"\"\"\n    return 3.14159 * radius ** 2\n\n\tfor i in range(10):\n        print(f\"{i:>4} {area(i):.2f}\")";

export const EXAMPLES = new Map([
  ["several scripts", "Tokenizers split text into pieces.\nไทยเขียนติดกันไม่เว้นวรรค 中文不用空格。\nहिन्दी में मात्राएँ होती हैं। " +
    "العربية من اليمين إلى اليسار.\n👩‍👩‍👧 🇹🇭 naïve 1234567.89\n    if (x == 0) { return \"none\"; }"],
  ["English", ENGLISH],
  ["Thai and English", THAI],
  ["emoji", EMOJI],
  ["code", CODE],
]);
export const SECOND = new Map([["Thai and English", "Thai is written without spaces between words, so one cannot see where a word ends."]]);
export const FIRST = "several scripts";
export const MESSAGES = [
  { role: "system", content: "You answer in one sentence." },
  { role: "user", content: "What is a token?" },
  { role: "assistant", content: "A piece of text that has a number of its own in a vocabulary." },
];
