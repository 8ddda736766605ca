"""Tokenizers with one planted fault each, and the check that must name it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece

from helpers.generated_merges import WITHOUT_REGEX, describe
from helpers.made import TEXTS, make_claude_json, make_ranks, make_sentencepiece, make_wordpiece
from tokbench.adapters.huggingface import printable_bytes

Document = dict[str, Any]
GROUPS = r"\p{N}{1,3}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+"
SINGLE = GROUPS.replace("{1,3}", "")
END = {"content": "<|endoftext|>", "special": True, "normalized": False}


def describe_sound() -> Document:
    """A byte-level BPE without a fault: bytes, merges, one special token."""
    document = describe(random.Random(1))
    add(document, END)
    return document


def add(document: Document, token: Document, number: int | None = None) -> None:
    """Add a token behind the vocabulary, or with this id."""
    vocab, added = document["model"]["vocab"], document["added_tokens"]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    added.append(flags | token | {"id": len(vocab) + len(added) if number is None else number})


def extend(document: Document, *tokens: str) -> None:
    """Add tokens that no merge makes to the vocabulary, before the added tokens."""
    vocab = document["model"]["vocab"]
    for token in tokens:
        vocab[token] = len(vocab)
    for number, token in enumerate(document["added_tokens"]):
        token["id"] = len(vocab) + number


def write(folder: Path, document: Document) -> str:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return str(path)


def edit(*changes: Callable[[Document], object]) -> Callable[[Path], str]:
    """What writes a sound tokenizer.json with changes."""

    def make(folder: Path) -> str:
        document = describe_sound()
        for change in changes:
            change(document)
        return write(folder, document)

    return make


def replace(**parts: Any) -> Callable[[Document], None]:
    """Replace parts of the pipeline."""
    return lambda document: document.update(parts)


def split(pattern: Document, behavior: str) -> Document:
    """A pre-tokenizer that splits by a pattern before the bytes."""
    step = {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": False}
    return {"type": "Sequence", "pretokenizers": [step, WITHOUT_REGEX]}


def drop_byte(document: Document) -> None:
    """No token for the byte C3, which begins é."""
    model = document["model"]
    (gone,) = (character for character, byte in printable_bytes().items() if byte == 0xC3)
    model["merges"] = [merge for merge in model["merges"] if gone not in "".join(merge)]
    kept = [token for token in model["vocab"] if gone not in token]
    model["vocab"] = {token: number for number, token in enumerate(kept)}
    document["added_tokens"][0]["id"] = len(kept)


def leave_gap(document: Document) -> None:
    """An id that no token has."""
    vocab = document["model"]["vocab"]
    last = max(vocab, key=vocab.__getitem__)
    vocab[last] += 1
    document["added_tokens"].clear()


def repeat_text(document: Document) -> None:
    """An added token with the text of a token of the vocabulary, which is written in other characters."""
    alphabet = printable_bytes()
    longer = (token for token in document["model"]["vocab"] if len(token) > 1 and not token.isascii())
    texts = (bytes(alphabet[c] for c in token).decode(errors="replace") for token in longer)
    add(document, {"content": next(text for text in texts if "\ufffd" not in text)})


def repeat_merge(document: Document) -> None:
    """A second merge for the token of another: `the` from `th` + `e` and from `t` + `he`."""
    model = document["model"]
    pairs = [["t", "h"], ["h", "e"], ["th", "e"], ["t", "he"]]
    model["merges"] = pairs
    model["vocab"] = {token: number for number, token in enumerate([*printable_bytes(), "th", "he", "the"])}
    document["added_tokens"][0]["id"] = len(model["vocab"])


def cross_merges(document: Document) -> None:
    """A merge whose parts an earlier merge takes apart: `ab` + `c` after `b` + `c`."""
    model = document["model"]
    model["merges"] = [["b", "c"], ["a", "b"], ["ab", "c"]]
    model["vocab"] = {token: number for number, token in enumerate([*printable_bytes(), "bc", "ab", "abc"])}
    document["added_tokens"][0]["id"] = len(model["vocab"])


def beside(name: str, content: Document) -> Callable[[Path], str]:
    """What writes a sound tokenizer with another file beside it."""

    def make(folder: Path) -> str:
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
        return edit()(folder)

    return make


def misname_end(folder: Path) -> str:
    (folder / "config.json").write_text(json.dumps({"vocab_size": 512, "eos_token_id": 3}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
    return edit()(folder)


def cut_off(folder: Path) -> str:
    path = Path(edit()(folder))
    path.write_bytes(path.read_bytes()[:-100])
    return str(path)


def without_form(folder: Path) -> str:
    """Read by the rules of an entry that declares NFC, which the file does not apply."""
    return f"{edit()(folder)}#qwen2.5"


def append_field(folder: Path, field: bytes, **settings: Any) -> str:
    """A SentencePiece model with one more field; of repeated settings the last counts."""
    path = make_sentencepiece(folder, **settings)
    path.write_bytes(path.read_bytes() + field)
    return str(path)


def make_years(folder: Path) -> str:
    """A model trained to split digits, by what it says, that has a piece of four."""
    prefix = folder / "years"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_prefix=str(prefix),
        vocab_size=420,
        model_type="bpe",
        byte_fallback=True,
        hard_vocab_limit=False,
        split_digits=True,
        user_defined_symbols=["2024"],
        minloglevel=2,
    )
    return f"{prefix}.model"


def make_characters(folder: Path) -> str:
    """A model of the characters of a few texts, without bytes."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_prefix=str(folder / "characters"),
        vocab_size=160,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return str(folder / "characters.model")


def break_ranks(folder: Path) -> str:
    """A rank file with a token that no two earlier ones make."""
    path = make_ranks(folder)
    path.write_bytes(path.read_bytes() + b"cXVpY2s= 264\n")
    return f"{path}#cl100k_base"


def forget_digits(folder: Path) -> str:
    """A pattern that leaves digits out."""
    path = make_claude_json(folder)
    document = json.loads(path.read_bytes())
    document["pat_str"] = document["pat_str"].replace(r"| ?\p{N}+", "")
    path.write_text(json.dumps(document))
    return str(path)


@dataclass(frozen=True)
class Fault:
    """A planted fault: what makes the tokenizer, the check that names it, its severity, part of the evidence."""

    name: str
    make: Callable[[Path], str]
    check: str
    severity: str
    evidence: str
    example: str | None = None


PLAIN_SPLIT = split({"Regex": GROUPS}, "Isolated")
FAULTS = (
    Fault("a byte without a token", edit(drop_byte), "alphabet", "error", "1 of 243 bytes of UTF-8 have no token: C3"),
    Fault("a byte that is lost", edit(drop_byte), "bytes", "error", "1 of 243 bytes do not come back: C3"),
    Fault("no decoder", edit(replace(decoder=None)), "plain-text", "error", "in the decoder"),
    Fault("a form that is not applied", without_form, "normalizer", "error", "NFC is declared by the catalogue"),
    Fault(
        "a rule in name only",
        lambda folder: append_field(folder, b"\x1a\x0a\x0a\x08nmt_nfkc"),
        "normalizer",
        "error",
        "NFKC is declared by its rule nmt_nfkc",
    ),
    Fault("case folded", edit(replace(normalizer={"type": "Lowercase"})), "plain-text", "note", "as declared", "Z"),
    Fault(
        "spaces stripped",
        edit(replace(normalizer={"type": "Strip", "strip_left": True, "strip_right": True})),
        "white-space",
        "warning",
        "in the normalizer",
    ),
    Fault(
        "tabs replaced",
        edit(replace(normalizer={"type": "Replace", "pattern": {"String": "\t"}, "content": " "})),
        "white-space",
        "warning",
        "in the normalizer",
        "\t",
    ),
    Fault(
        "line ends lost",
        edit(replace(pre_tokenizer=split({"String": "\n"}, "Removed"))),
        "white-space",
        "warning",
        "change in the",
        "\n",
    ),
    Fault(
        "hyphens dropped",
        edit(replace(pre_tokenizer=split({"String": "-"}, "Removed"))),
        "pre-tokenizer",
        "error",
        "no piece holds 1 character of the text: U+002D",
        "-",
    ),
    Fault("digits dropped", forget_digits, "pre-tokenizer", "error", "U+0030", "0"),
    Fault(
        "joiners lost",
        edit(replace(normalizer={"type": "Replace", "pattern": {"String": "\u200d"}, "content": ""})),
        "invisible",
        "note",
        "in the normalizer, as declared",
        "\u200d",
    ),
    Fault(
        "an added number",
        edit(replace(pre_tokenizer=PLAIN_SPLIT), lambda d: add(d, {"content": "2024"})),
        "digits",
        "error",
        "at most 3 digits per token are declared by its pattern, yet 4 occur",
        "2024",
    ),
    Fault("a piece of four digits", make_years, "digits", "error", "single digits per token are declared", "2024"),
    Fault(
        "tokens of two digits",
        edit(replace(pre_tokenizer=split({"Regex": SINGLE}, "Isolated")), lambda d: extend(d, "77", "\u0120" + "77")),
        "digits",
        "warning",
        "tokens hold more",
    ),
    Fault(
        "markup that is not special",
        edit(lambda d: add(d, {"content": "<|user|>"})),
        "special-text",
        "warning",
        "plain text gives 1 id of tokens that look like markup",
        "<|user|>",
    ),
    Fault(
        "an added token whose id has moved",
        edit(lambda d: add(d, {"content": "<|user|>", "special": True}, 9000)),
        "ids",
        "error",
        "<|user|> = 9000",
    ),
    Fault("dropout", edit(lambda d: d["model"].update(dropout=0.1)), "repeats", "error", "dropout of 0.1"),
    Fault("a gap", edit(leave_gap), "ids", "note", "1 of"),
    Fault("two ids for one text", edit(repeat_text), "ids", "warning", "1 text with several ids"),
    Fault("an overlong token", edit(lambda d: extend(d, "ab" * 50)), "lengths", "note", "up to 100 bytes", "ab" * 50),
    Fault("an unreachable token", edit(lambda d: extend(d, "qzqz")), "reach", "warning", "produces 1 of", "qzqz"),
    Fault("a second merge", edit(repeat_merge), "merges", "warning", "1 of 4 merges cannot fire", "t + he"),
    Fault("crossing merges", edit(cross_merges), "merges", "warning", "1 of 3 merges cannot fire", "ab + c"),
    Fault("a rank that nothing makes", break_ranks, "merges", "note", "1 of"),
    Fault("a model with too few rows", beside("config.json", {"vocab_size": 300}), "files", "error", "300 rows"),
    Fault("the id of another token", misname_end, "files", "error", "eos_token_id is 3", "<|endoftext|>"),
    Fault("an id out of range", beside("config.json", {"pad_token_id": 70000}), "files", "error", "is 70000, beyond"),
    Fault("another vocabulary", beside("vocab.json", {"a": 0}), "files", "error", "vocab.json gives a token", "a"),
    Fault("a damaged file", cut_off, "loads", "error", "is damaged"),
    Fault(
        "letters that are unknown",
        make_characters,
        "unknown",
        "warning",
        "of 1",
    ),
    Fault("words cut at white space", lambda folder: str(make_wordpiece(folder)), "white-space", "warning", "in the"),
)
