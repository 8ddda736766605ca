"""Hostile texts on intact tokenizers."""

from __future__ import annotations

import random
from pathlib import Path

from hostile.bases import Bases
from hostile.case import Case
from hostile.mutators import TEXTS, damage_bytes, draw_characters, draw_text
from hostile.outcomes import is_filled, is_json
from hostile.references import REFERENCES, has_counts_of_reference, has_ids_of

LONG = (1_000, 20_000, 100_000)


def draw_long(pick: random.Random) -> tuple[str, str]:
    """Draw a text, and a note: pieces, one character many times, all of a plane, words without spaces."""
    kind = pick.choice(("pieces", "pieces", "pieces", "run", "run", "letters", "spaces", "code points", "alternating"))
    size = pick.choice(LONG)
    if kind == "pieces":
        return "".join(
            pick.choice((draw_text(pick), draw_characters(pick), " ")) for _ in range(pick.randint(1, 60))
        ), kind
    if kind == "run":
        piece = pick.choice((*TEXTS[1:], "a", "中", "\u0301", "0", "\n", "'", "\U0001f600"))
        return (piece * size)[:size], f"{piece[:3]!a} to {size}"
    if kind == "letters":
        return "".join(pick.choices("abcdefghij", k=size)), f"{kind}, {size}"
    if kind == "spaces":
        return "".join(pick.choices(" \t\n\u3000\u00a0\r\x0b\x85", k=size)), f"{kind}, {size}"
    if kind == "alternating":
        return pick.choice(("a\u0301", "a ", "1a", "\n ", "'s", "中a"))[:2] * (size // 2), f"{kind}, {size}"
    start = pick.choice((0, 0x300, 0x2000, 0x10000, 0x1D000, 0xE0000, 0x10FE00))
    return "".join(chr(c) for c in range(start, start + 0x200) if not 0xD800 <= c < 0xE000), f"from U+{start:04X}"


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    text, note = draw_long(pick)
    text = text.encode("utf-8", "replace").decode()
    kind = pick.choice(
        ("encode",) * 8
        + ("argument",) * 3
        + ("compare", "compare", "engine", "roundtrip", "bytes", "bytes", "explain-diff")
    )
    if kind == "encode":
        return draw_encode(pick, bases, text, note)
    if kind == "argument":
        text = draw_text(pick, 2000).replace("\0", "")
        tokenizer = pick.choice(("utf8", str(bases.tokenizers["rwkv"]), str(bases.tokenizers["tokenizer.json"])))
        options = pick.choice(((), ("--json",), ("--special",)))
        arguments = ("encode", *options, tokenizer, "--", text)
        return Case(f"an argument {text[:20]!a}", arguments, b"x", escapes="--json" not in options)
    if kind == "bytes":
        data, how = damage_bytes(pick, text.encode()[:50_000] or b"x")
        return Case(f"standard input, {how}", ("encode", pick.choice(list(map(str, bases.tokenizers.values())))), data)
    return draw_corpus(pick, folder, bases, kind, text, note)


def draw_encode(pick: random.Random, bases: Bases, text: str, note: str) -> Case:
    """Encode a text, and hold the ids against the reference's."""
    name = pick.choice(("utf8", *REFERENCES))
    path = Path("utf8") if name == "utf8" else bases.tokenizers[name]
    argument = f"{path}#cl100k_base" if name == "tiktoken" else str(path)
    text = text[: 20_000 if name in ("unigram", "json-unigram", "sentencepiece") else None]
    reference = has_ids_of(name, path, text)
    return Case(
        f"{name}: {note}",
        ("encode", argument, "-", "--json"),
        text.encode(),
        checks=(is_json,),
        reference=reference,
        escapes=False,
    )


def draw_corpus(pick: random.Random, folder: Path, bases: Bases, kind: str, text: str, note: str) -> Case:
    """Make a corpus of a text and its parts."""
    corpus = folder / "c"
    corpus.mkdir()
    lines = [" ".join(part.split("\n")) for part in (text[:30_000], text[:7], text[3:90])]
    for lang in ("en", "zh"):
        pick.shuffle(lines)
        (corpus / f"{lang}.txt").write_bytes("".join(f"{line}\n" for line in lines).encode())
    names = [str(bases.tokenizers[n]) for n in pick.sample(("tokenizer.json", "rwkv", "wordpiece", "sentencepiece"), 2)]
    if kind == "compare":
        options = pick.choice(
            (("-f", "json"), ("-f", "csv"), ("-f", "markdown"), (), ("--segmenter", "icu"), ("--by", "lengths"))
        )
        arguments = ("compare", *names, "-c", str(corpus), "--no-throughput", "--resamples", "20", *options)
        checks = (is_json,) if "json" in options else (is_filled,)
        return Case(f"compare {note}", arguments, checks=checks, escapes=options in ((), ("-f", "csv")))
    if kind == "engine":
        bpe = str(bases.tokenizers[pick.choice(("tokenizer.json", "vocab+merges"))])
        arguments = ("compare", bpe, "-c", str(corpus), "--no-throughput", "--resamples", "0", "-f", "json")
        engine = pick.choice(("auto", "fastokens", "splintr", "tiktoken"))
        reference = has_counts_of_reference(arguments)
        return Case(
            f"{engine}: {note}", (*arguments, "--engine", engine), checks=(is_json,), reference=reference, escapes=False
        )
    if kind == "roundtrip":
        return Case(f"roundtrip {note}", ("roundtrip", names[0], "-c", str(corpus), "--json"), checks=(is_json,))
    return Case(f"explain-diff {note}", ("explain-diff", *names, "-c", str(corpus)), checks=(is_filled,))
