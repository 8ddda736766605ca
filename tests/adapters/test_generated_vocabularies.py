"""Generated vocabularies: every engine that agrees to run one gives the ids of its reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.drawn_texts import draw_texts, find_added, list_tokens, place
from helpers.generated_vocabularies import KINDS, generate
from tokbench import TokbenchError
from tokbench.adapters import find_asset, find_engines, load_asset
from tokbench.adapters.selection import Sample, find_mismatch, load_engine

UNTELLING = Sample(("x",), 10**9)
"""A sample of a large corpus that shows no difference: what tells is in later texts."""

TESTED = (0, 1, 2, 3, 4, 7, 8, 14, 16, 18, 20, 25, 27, 33, 35, 36, 39)
"""The kinds that are tested each time; `benchmarks/exactness_campaign.py --generate 40` goes through all."""


@pytest.mark.parametrize("number", TESTED, ids=[KINDS[number][0] for number in TESTED])
def test_engines_give_the_ids_of_the_reference(tmp_path: Path, number: int) -> None:
    (made,) = generate(tmp_path, 1, "1", number)
    asset = find_asset(made.argument)
    reference = load_asset(asset)
    tokens, added = list_tokens(reference), find_added(asset)
    texts = [text for token in [*tokens[:300], *added] for text in place(token)]
    texts += draw_texts(250, made.kind, tokens, added)
    expected = reference.encode_batch(texts)
    assert len(expected.ids) == 0 or expected.ids.max() < reference.vocab_total
    for engine in find_engines(asset.format):
        try:
            loaded = load_engine(asset, engine, UNTELLING)
        except TokbenchError:
            continue
        assert find_mismatch(expected, loaded.encode_batch(texts), texts) is None, engine
        assert np.array_equal(loaded.token_table().data, reference.token_table().data)
        assert (loaded.vocab_base, loaded.vocab_total) == (reference.vocab_base, reference.vocab_total)


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    first, again = (list(generate(tmp_path / name, 3, "7", 12)) for name in "ab")
    for one, other in zip(first, again, strict=True):
        assert one.kind == other.kind
        assert Path(one.argument).read_bytes() == Path(other.argument).read_bytes()
    assert draw_texts(20, "7", ["ab"], ["<x>"]) == draw_texts(20, "7", ["ab"], ["<x>"])
