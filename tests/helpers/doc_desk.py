"""A desk on which the documentation's commands run: the files that its pages speak of, small, and settings to match."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import polars as pl

from helpers.data import ROOT
from helpers.made import make_tokenizer_json

TEXTS = ROOT / "corpora" / "tokbench14"
# Codes that pages ask for, and a text of tokbench14 in their place: it has no Vietnamese and no Burmese.
FLORES = {"eng_Latn": "en", "zho_Hans": "zh", "tha_Thai": "th", "vie_Latn": "tr", "mya_Mymr": "hi"}
SETTINGS = """
bench = { segments = 4, rounds = 2, limit = 1 }
check = { random-texts = 40, limit = 4 }
code = { segments = 4 }
compare = { segments = 12, resamples = 20, throughput = false }
cost = { segments = 12 }
ngrams = { segments = 8 }
requests = { segments = 8 }
robust = { segments = 8, resamples = 20, perturbations = ["upper"] }
sweep = { segments = 12, resamples = 20 }
"""
ENGINE = """import tokbench as tb

tokenizer = tb.load_tokenizer("llama3")


def encode(texts):
    return tokenizer.encode_batch(texts)
"""
GOLD = "walked\twalk|ed\nhouses\thouse|s\nunhappy\tun|happy\n"


def read_lines(language: str, count: int = 40) -> list[str]:
    """The first lines of a text of tokbench14."""
    return (TEXTS / f"{language}.txt").read_text(encoding="utf-8").splitlines()[:count]


def write_desk(folder: Path) -> None:
    """Write the files that pages speak of."""
    (folder / "tokbench.toml").write_text(SETTINGS)
    (folder / "made").mkdir()
    made = make_tokenizer_json(folder / "made")
    (folder / "my-tokenizer").mkdir()
    for name in ("my-tokenizer.json", "my-tokenizer/tokenizer.json"):
        (folder / name).write_bytes(made.read_bytes())
    (folder / "my_package").mkdir()
    (folder / "my_package" / "engine.py").write_text(ENGINE)
    (folder / "chat_template.jinja").write_text("{% for message in messages %}{{ message.content }}{% endfor %}")
    _write_corpora(folder)
    _write_texts(folder)


def _write_corpora(folder: Path) -> None:
    flores = folder / "corpora" / "flores200" / "dev"
    flores.mkdir(parents=True)
    for name, language in FLORES.items():
        (flores / f"{name}.dev").write_text("\n".join(read_lines(language)) + "\n", encoding="utf-8")


def _write_texts(folder: Path) -> None:
    english, chinese = read_lines("en"), read_lines("zh")
    records = [json.dumps({"en": en, "zh": zh}, ensure_ascii=False) for en, zh in zip(english, chinese, strict=True)]
    (folder / "news.jsonl").write_text("\n".join(records) + "\n", encoding="utf-8")
    (folder / "prompts.jsonl").write_text("".join(f"{json.dumps({'prompt': line})}\n" for line in english))
    (folder / "notes.txt").write_text("\n".join(english) + "\n", encoding="utf-8")
    (folder / "README.md").write_text("# Notes\n\nA text.\n")
    (folder / "words.tsv").write_text(GOLD)
    source = folder / "src"
    source.mkdir()
    (source / "main.py").write_text("def add(a, b):\n    return a + b\n")
    (source / "main.go").write_text("package main\n\nfunc main() {\n\tx := 1\n\t_ = x\n}\n")
    (folder / "main.rs").write_text("fn main() {\n    let x = 1;\n}\n")
    texts = folder / "texts"
    texts.mkdir()
    pl.DataFrame({"content": english}).write_parquet(texts / "one.parquet")
    pl.DataFrame({"content": chinese}).write_parquet(texts / "two.parquet")
    lines = "".join(f"{json.dumps({'text': line})}\n" for line in english).encode()
    (texts / "one.jsonl.gz").write_bytes(gzip.compress(lines, mtime=0))
    with (folder / "english_data.csv").open("w", newline="") as out:
        csv.writer(out).writerows([["wordform", "stem", "following_part"], ["walked", "walk", "ed"]])
