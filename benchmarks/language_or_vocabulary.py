"""MOSS's 7:08 of 2023 explained: one vocabulary in plain Python, on its reference engine and on a fast one.

`python benchmarks/language_or_vocabulary.py [TOKENIZER] [-c CORPUS] [-n SEGMENTS]`. The plain-Python tokenizer is
byte-level BPE from the algorithm: split by pattern, map bytes to characters, merge the pair of the lowest rank until
none is left, remember words seen. It runs in pairs of rounds with the others, on equal ids.
"""

from __future__ import annotations

import argparse
import json
import time
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import regex

from tokbench._shared.files import read_json_object
from tokbench._shared.process import single_thread
from tokbench.adapters import EncodedBatch, find_asset, load_asset
from tokbench.adapters._hf_pipelines import describe_merges
from tokbench.adapters._merges_as_ranks import GPT2_PATTERN
from tokbench.adapters.bench.speed import Interval
from tokbench.adapters.bench.throughput import split_rounds
from tokbench.adapters.huggingface import flatten, printable_bytes
from tokbench.adapters.selection import Sample, find_mismatch, load_engine
from tokbench.catalog.sources import Asset
from tokbench.corpora import load_corpus


class PlainBpe:
    """Byte-level BPE with nothing but Python: dictionaries, tuples and a regular expression."""

    def __init__(self, asset: Asset) -> None:
        document = read_json_object(asset.files[0]) if asset.format == "tokenizer.json" else describe_merges(asset)
        model = document["model"]
        pairs = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
        self.ranks = {pair: rank for rank, pair in enumerate(pairs)}
        self.vocab: dict[str, int] = model["vocab"]
        self.letters = {byte: letter for letter, byte in printable_bytes().items()}
        steps = flatten(document["pre_tokenizer"])
        own = [step["pattern"]["Regex"] for step in steps if step["type"] == "Split"]
        self.pattern = regex.compile(own[0] if own else GPT2_PATTERN)
        self.composed = any(step["type"] == "NFC" for step in flatten(document["normalizer"]))
        added = {t["content"]: t["id"] for t in document["added_tokens"] if not t["special"]}
        self.added = added
        longest = sorted(added, key=len, reverse=True)
        self.cut = regex.compile("|".join(map(regex.escape, longest))) if added else None
        self.seen: dict[str, list[int]] = {}

    def merge(self, word: str) -> list[int]:
        """The ids of one piece of text."""
        if word in self.seen:
            return self.seen[word]
        parts = [self.letters[byte] for byte in word.encode()]
        while len(parts) > 1:
            ranked = [(self.ranks[pair], pair) for pair in pairwise(parts) if pair in self.ranks]
            if not ranked:
                break
            _, (left, right) = min(ranked)
            merged, i = [], 0
            while i < len(parts):
                if i + 1 < len(parts) and parts[i] == left and parts[i + 1] == right:
                    merged.append(left + right)
                    i += 2
                else:
                    merged.append(parts[i])
                    i += 1
            parts = merged
        ids = [self.vocab[part] for part in parts]
        self.seen[word] = ids
        return ids

    def encode_plain(self, text: str) -> list[int]:
        """The ids of text without added tokens."""
        if self.composed:
            text = unicodedata.normalize("NFC", text)
        return [number for word in self.pattern.findall(text) for number in self.merge(word)]

    def encode(self, text: str) -> list[int]:
        """The ids of a text, added tokens cut out first."""
        if self.cut is None:
            return self.encode_plain(text)
        ids, at = [], 0
        for found in self.cut.finditer(text):
            ids += [*self.encode_plain(text[at : found.start()]), self.added[found[0]]]
            at = found.end()
        return ids + self.encode_plain(text[at:])

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text."""
        return EncodedBatch.from_lists([self.encode(text) for text in texts])


def main() -> None:
    """Hold ids against each other, then time rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizer", nargs="?", default="moss")
    parser.add_argument("-c", "--corpus")
    parser.add_argument("-l", "--languages")
    parser.add_argument("-n", "--segments", type=int)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--round-bytes", type=int, default=100_000)
    parser.add_argument("-f", "--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    languages = options.languages.split(",") if options.languages else None
    corpus = load_corpus(options.corpus, languages=languages, segments=options.segments)
    asset = find_asset(options.tokenizer)
    runners = {
        "plain Python": PlainBpe(asset),
        "reference": load_asset(asset),
        "fast": load_engine(asset, "auto", Sample((), 10**9)),
    }
    print(*(f"{name}: {getattr(runner, 'engine', 'python')}" for name, runner in runners.items()), sep="; ")
    texts = corpus.frame["text"].to_list()
    expected = runners["reference"].encode_batch(texts)
    for name, runner in runners.items():
        difference = find_mismatch(expected, runner.encode_batch(texts), texts)
        if difference is not None:
            raise SystemExit(f"{name}: {difference}")
    runners["plain Python"] = PlainBpe(asset)  # the words of the gate are forgotten
    warm_up, *timed = split_rounds(corpus, options.rounds, options.round_bytes)
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    with single_thread():
        for runner in runners.values():
            runner.encode_batch(warm_up)
        for part in timed:
            for name, runner in runners.items():
                start = time.perf_counter()
                runner.encode_batch(part)
                seconds[name].append(time.perf_counter() - start)
    found = {}
    for slow, fast in (("plain Python", "reference"), ("plain Python", "fast"), ("reference", "fast")):
        ratio = Interval.of((np.array(seconds[slow]) / np.array(seconds[fast])).tolist())
        found[f"{slow} / {fast}"] = [ratio.value, ratio.low, ratio.high]
    if options.format == "json":
        print(json.dumps(found))
    else:
        for label, (value, low, high) in found.items():
            print(f"{label}: {value:.1f} [{low:.1f}, {high:.1f}]")


if __name__ == "__main__":
    main()
