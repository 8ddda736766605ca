"""N-grams of ids: values worked out by hand, and a plain loop."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.commands import run
from tokbench.adapters import load_tokenizer
from tokbench.analysis.ngrams import measure_ngrams, measure_sample
from tokbench.corpora import ParallelCorpus
from tokbench.errors import TokbenchError


def measure(*texts: str) -> dict[str, object]:
    corpus = ParallelCorpus.from_texts({"en": list(texts)})
    return measure_ngrams([load_tokenizer("utf8")], corpus, orders=3).rows.row(0, named=True)


def test_entropies_by_hand() -> None:
    found = measure("abab")
    assert (found["tokens"], found["sampled"], found["segments"]) == (4, 4, 1)
    assert (found["entropy_1"], found["entropy_2"], found["entropy_3"]) == (1.0, 0.0, 0.0)
    assert found["accessors_by_types"] is None  # no id has two different followers
    found = measure("ab", "ac")  # b and c after a; no three ids in a row
    assert (found["entropy_1"], found["entropy_2"], found["entropy_3"]) == (1.5, 1.0, None)
    assert (found["accessors_by_types"], found["accessors_by_tokens"], found["ids_stable"]) == (1.0, 1.0, 1.0)


def entropy(counts: Iterable[int]) -> float:
    listed = list(counts)
    return -sum(c / sum(listed) * math.log2(c / sum(listed)) for c in listed) if listed else math.nan


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def loop(segments: Sequence[Sequence[int]]) -> dict[str, float]:
    grams = [Counter(tuple(s[i : i + n]) for s in segments for i in range(len(s) - n + 1)) for n in (1, 2, 3)]
    found = {"entropy_1": entropy(grams[0].values())}
    for n in (2, 3):
        heads: Counter[tuple[int, ...]] = Counter()
        for gram, count in grams[n - 1].items():
            heads[gram[:-1]] += count
        found[f"entropy_{n}"] = entropy(grams[n - 1].values()) - entropy(heads.values())
    followers: defaultdict[int, list[int]] = defaultdict(list)
    for (first, _), count in grams[1].items():
        followers[first].append(count)
    several = [own for own in followers.values() if len(own) > 1]
    found["accessors_by_types"] = mean([entropy(own) / math.log2(len(own)) for own in several])
    found["accessors_by_tokens"] = mean([entropy(own) / math.log2(sum(own)) for own in several])
    return found


@given(st.lists(st.lists(st.integers(0, 4), max_size=9), min_size=1, max_size=5))
def test_entropies_are_those_of_a_plain_loop(segments: list[list[int]]) -> None:
    ids = [i for segment in segments for i in segment]
    ranks = np.unique(np.array(ids, np.int64), return_inverse=True)[1].reshape(-1).astype(np.int64)
    of = np.repeat(np.arange(len(segments)), [len(segment) for segment in segments])
    assert measure_sample(ranks, of) == pytest.approx(loop(segments), abs=1e-12, nan_ok=True)


def test_every_tokenizer_gives_as_many_tokens() -> None:
    corpus = ParallelCorpus.from_texts({"en": ["one two three", "four five six"], "de": ["eins zwei drei", "vier"]})
    chosen = [load_tokenizer("utf8"), load_tokenizer("byt5")]
    rows = measure_ngrams(chosen, corpus).rows
    assert rows.select("tokenizer", "lang", "sampled").rows() == [
        *(("byt5", "en", 26), ("byt5", "de", 18)),
        *(("utf8", "en", 26), ("utf8", "de", 18)),
    ]
    again = measure_ngrams(chosen[::-1], corpus).rows
    assert rows.equals(again)
    with pytest.raises(TokbenchError, match="same name"):
        measure_ngrams([chosen[0], chosen[0]], corpus)


def test_the_command() -> None:
    done = run("ngrams", "utf8", "-l", "en", "-n", "3", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["corpus"], found["orders"], found["rows"][0]["ids_stable"]) == ("tokbench14", 10, 1.0)
    shown = run("ngrams", "utf8", "-l", "en", "-n", "3").stdout
    assert "en: entropies of 322 tokens, in bits" in shown
    assert "100.0 %" in shown
