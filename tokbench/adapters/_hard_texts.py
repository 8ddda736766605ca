"""Texts on which engines are known to differ.

A second engine must pass them before its ids are used.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path

_EDGES = (
    "",
    " ",
    "  a",
    "a  ",
    "a   b    c     d",
    "\t\ta\t b \t c",
    "line\nline\r\nline\rline\n\n\nend\n",
    "    indented\n        twice\n\tand by a tab\n",
    "\u00a0no-break\u2003em\u3000ideographic\u2028line\u2029paragraph\u0085next",
    "zero\u200bwidth\u200djoin\u2060er\ufeffmark",
    "\x00\x01\x07\x08\x0b\x0c\x1b\x7f\x80\x9f",
)
_WORDS = (
    "don't DON'T we'll WE'LL I'M i'm they've THEY'VE it's IT'S he'd you're o'clock 'tis rock'n'roll",
    "don’t WE’LL ‘quoted’ “double” «guillemets» „low“",
    "camelCase PascalCase snake_case kebab-case SCREAMING_CASE x1y2z3 HTML5 İstanbul ıI ſ ẞ ß ﬁ Ǆ ǅ ǆ",
    "1 12 123 1234 12345 123456 1,234,567.89 0x1F 1e-9 ٣٤٥ १२३ ௧௨ Ⅷ ½ ² ₃ ①",
    "a+b=c; x != y && (z || w) -> {1: [2, 3]}; // comment /* ... */ #!/bin/sh $HOME %d ~!@^&*",
    "http://example.org/a?b=c&d=e#f user.name+tag@example.co.uk 10.0.0.1:8080 C:\\Temp\\x.txt",
    "!!! ??? ... --- *** ((())) [[[ ]]] {{{ }}} <<< >>> ''' \"\"\" ``` ___ +++",
    "a.b,c;d:e!f?g¡h¿i·j…k–l—m―n",
    "price: 5€ 10£ 20¥ 30₹ 40₿ ±7 ×8 ÷9 ≠ ≤ √2 ∞ °C µm",
)
_SCRIPTS = (
    "cafe\u0301 cafÃ© e\u0323\u0307 \u212b \u01d5 \u0344 \u1e9b\u0323 A\u030a o\u0302\u0301",
    "\u0958\u0915\u093c \u09dc\u09a1\u09bc क्षत्रिय हिन्दी বাংলা தமிழ் తెలుగు മലയാളം සිංහල",
    "\uac00\u1100\u1161 한국어 조선말 \u1112\u1161\u11ab",
    "日本語とカタカナ、ﾊﾝｶｸ㍿々〆ヶ「引用」。中文分词，没有空格！〇一二三𠮷𡈽\ufa19",
    "العَرَبِيَّة ﷺ لا ﻻ پارسی اردو עִבְרִית ײַ שּׁ",
    "ภาษาไทย ລາວ ភាសាខ្មែរ မြန်မာ བོད་ཡིག አማርኛ ქართული հայերեն Ελληνικά Русский й й",
    "👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 1️⃣ ☺️ ☺︎ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙 \U0001f9ff\U000e0067",
    "Z\u0351\u036b\u0343a\u0321l\u0334g\u0315o\u0489",
)
_SPECIAL = (
    "<|endoftext|> <|im_start|>user<|im_end|> <s>text</s> <pad> <unk> [CLS] [MASK] <0x41> <|padding|>",
    "<|end<|endoftext|>oftext|> < s > ▁lower ▁▁ Ġspace Ċ ##ing @@ </w>",
)
_LENGTHS = (15, 16, 17, 31, 32, 33, 80, 255, 257)
_REPEATED = ("a", " ", "\n", "0", "中", "=", "é", "😀", "ab", "\u0301")
_BLOCKS = ((0x20, 0xD800), (0xE000, 0x10000), (0x1F000, 0x1FB00), (0x1D400, 0x1D800), (0x20000, 0x20400))
_LINE = 128
HARD_BYTES = 550_000
"""Approximate UTF-8 bytes of the hard texts."""

_JOINERS = "\u034f\u180e\u200b\u200c\u200d\u2060\ufeff"
"""Zero-width characters that some library treats as white space."""
_FOLDED = "\u017f\u212a\u0130\u0131"
"""Letters that case folding turns into ASCII, so that they end a contraction: long s, Kelvin, dotted and dotless i."""
_STEP = 64
_PLANES = (range(0x40000), range(0xE0000, 0xE0200))
"""Code points that any version of Unicode assigns to characters, except private use."""


@cache
def hard_texts() -> tuple[str, ...]:
    """Return common texts, white space in all positions, and Unicode boundaries."""
    return (*common_texts(), *_blank_texts(), *_boundary_texts())


@cache
def common_texts() -> tuple[str, ...]:
    """Return texts of all common kinds.

    White space, contractions, digits, code, many scripts, special tokens as text, runs, most code points in use.
    """
    runs = [piece * length for piece in _REPEATED for length in _LENGTHS]
    spaced = [f"x{' ' * length}y" for length in range(2, 40)]
    lines = [
        "".join(map(chr, range(start, min(start + _LINE, end))))
        for begin, end in _BLOCKS
        for start in range(begin, end, _LINE)
    ]
    return (*_EDGES, *_WORDS, *_SCRIPTS, *_SPECIAL, *runs, *spaced, *lines)


def _blank_texts() -> Iterator[str]:
    """Yield each character that may be white space, in all surroundings.

    These are spaces, apostrophes, words and one another.
    """
    characters = [chr(code) for plane in _PLANES for code in plane]
    blanks = [c for c in characters if c.isspace()]
    invisible = [c for c in characters if unicodedata.category(c) in ("Cc", "Cf")]
    for c in (*blanks, *_JOINERS, *_FOLDED, *invisible):
        yield from (f"'{c} '{c}s{c}'e", f" {c}x  {c}", f"  {c}{c} {c}", f"x{c}the {c}\n{c}", f"{c}'s {c}1{c}A-{c}a")
    for c in _FOLDED:
        yield from (f"s'{c}'ve re{c}'{c}'res", f"I'{c}'{c}'ll'{c}e don'{c}'t S'{c}vec")
    for first, second in product((*blanks, *_JOINERS), repeat=2):
        yield f"a{first}{second}b{second}{first}'s{first}{second}"


def _boundary_texts() -> Iterator[str]:
    """Yield code points around changes of Unicode category, and some between.

    Libraries implement different versions of Unicode.
    """
    last = ""
    for code in (code for plane in _PLANES for code in plane):
        category = unicodedata.category(chr(code))
        changes = category != last
        if (changes or code % _STEP == 0) and category not in ("Cs", "Co"):
            before = chr(code - 1) if changes and last not in ("", "Cs", "Co") else ""
            yield "".join(f"  {c}x a{c}'s 1{c}A{c}b" for c in (before, chr(code)) if c)
        last = category


def surround_tokens(tokens: Sequence[str]) -> Iterator[str]:
    """Yield texts that show how tokens are found.

    Tokens are alone, in words, between spaces, doubled, cut off, and overlapping.
    tokens: the reserved texts of a tokenizer (`Tokenizer.reserved_texts`).
    """
    starting = {token[:length]: token for token in tokens for length in range(1, len(token))}
    for token, following in zip(tokens, (*tokens[1:], *tokens[:1]), strict=True):
        yield from (token, token * 2, f"a{token}b", f"a {token} b", f"  {token}  ", f"{token}.{token}'s\n{token}\n")
        yield from (f"é{token}\u0301", f"{token}{following}", f"x{token} {following}y", token[:-1], token[1:])
        for length in range(1, len(token)):
            overlapping = starting.get(token[-length:])
            if overlapping is not None:
                yield f"x{token}{overlapping[length:]} {overlapping[:length]}{token}"


@cache
def hard_texts_version() -> str:
    """Return a hash of everything that determines the hard texts.

    Another set requires another verification.
    """
    source = Path(__file__).read_bytes() + unicodedata.unidata_version.encode()
    return hashlib.sha256(source).hexdigest()[:12]
