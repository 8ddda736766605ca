"""Cards: facts of small tokenizers worked out by hand, and that nothing depends on time or place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Library

import tokbench as tb
from helpers import made
from helpers.commands import run
from helpers.corpora import write_corpus
from tokbench.adapters import Tokenizer
from tokbench.analysis.cards import LEFT_OUT, Card
from tokbench.analysis.cards._losses import explain_losses
from tokbench.analysis.cards._pipeline import describe_step
from tokbench.analysis.roundtrip import inspect_round_trip
from tokbench.analysis.roundtrip._diagnosis import round_trip
from tokbench.analysis.soundness import CHECKS

DAY = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)


def make_card(folder: Path) -> Card:
    folder.mkdir(parents=True)
    corpus = write_corpus(folder / "c", en=["ab cd", "12 ab"], de=["ab cd ef", "123 456"], zh=["你好", "你好你"])
    return tb.card(made.make_tokenizer_json(folder), corpus, today=lambda: DAY)


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return make_card(tmp_path_factory.mktemp("card") / "a")


def test_a_card_states_what_the_files_say(card: Card, tmp_path: Path) -> None:
    path = made.make_tokenizer_json(tmp_path)
    total = Library.from_file(str(path)).get_vocab_size()
    assert card.vocabulary.sizes.total == total == card.vocabulary.sizes.highest_id + 1
    assert card.vocabulary.sizes.rows is None
    assert (card.facts.licence, card.facts.algorithm) == (None, None)
    assert (card.facts.format, card.facts.special) == ("tokenizer.json", {0: "<|endoftext|>"})
    (file,) = card.facts.files
    assert (file.name, file.bytes, file.sha256) == ("tokenizer.json", path.stat().st_size, card.facts.sha256)
    pipeline = card.pipeline
    assert (pipeline.normalizer, pipeline.pre_tokenizer) == ("NFC", "ByteLevel (split by GPT-2's pattern)")
    assert (pipeline.digits, pipeline.byte_based, pipeline.patterns) == (None, True, ())


def test_a_card_is_composed_of_the_analyses(card: Card) -> None:
    assert {verdict.check for verdict in card.soundness.verdicts} == {check.name for check in CHECKS} - {*LEFT_OUT}
    assert card.round_trip.segments == 6
    assert card.round_trip.lossy_segments == 0
    assert card.date == "2026-01-31"
    assert {premium.by for premium in card.premiums} == {"script", "region", "family"}
    scripts = {premium.group: premium for premium in card.premiums if premium.by == "script"}
    assert scripts["Latn"].languages == ("de",)
    assert scripts["Hans"].languages == ("zh",)
    rows = {row["lang"]: row for row in card.comparison.by_language("premium").to_dicts()}
    assert scripts["Latn"].value == pytest.approx(rows["de"][card.name])
    assert all(premium.low <= premium.value <= premium.high for premium in card.premiums)
    assert {engine.name for engine in card.engines if engine.exact} >= {"tiktoken"}
    assert "|m:card|" in card.signature()


def test_a_card_depends_neither_on_its_folder_nor_on_time(card: Card, tmp_path: Path) -> None:
    again = make_card(tmp_path / "elsewhere" / "a")
    assert again.to_markdown().encode() == card.to_markdown().encode()
    path = tmp_path / "card.json"
    again.save(path)
    text = path.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert json.loads(text)["date"] == "2026-01-31"


@pytest.mark.parametrize("pool", [False, True])
def test_losses_are_found_without_encoding_the_corpus_again(
    pool: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pool:
        monkeypatch.setattr("tokbench.measurement.units.MOST_UNITS", 2)
    texts = {"en": ["the fox", "a dog", "the dog"], "zh": ["龘龘龘", "the", "龘"]}
    corpus = write_corpus(tmp_path / "c", **texts)
    tokenizer = tb.load_tokenizer(made.make_wordpiece(tmp_path))
    counted = tb.measure([tokenizer], corpus)
    assert counted.pooled is pool
    expected = inspect_round_trip(tokenizer, corpus.iterate_texts())
    assert expected.lossy_segments == 2
    tried: list[str] = []
    decode = round_trip

    def record(runner: Tokenizer, batch: Sequence[str]) -> list[str]:
        tried.extend(batch)
        return decode(runner, batch)

    monkeypatch.setattr("tokbench.analysis.roundtrip._diagnosis.round_trip", record)
    assert explain_losses(tokenizer, corpus, counted) == expected
    assert not {*texts["en"]} & {*tried}
    assert tried.count("龘龘龘") == pool  # sums do not say which segment it was


class Recorder:
    """Keeps what a progress is told."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.done: dict[str, int] = {}
        self.parts: dict[str, list[str]] = {}

    def start(self, phase: str, total: int) -> None:
        self.totals[phase], self.done[phase] = total, 0

    def advance(self, phase: str, amount: int = 1, what: str = "") -> None:
        self.done[phase] += amount
        self.parts.setdefault(phase, []).append(what)

    def finish(self, phase: str) -> None:
        self.done[phase] = self.totals.get(phase, 0)


def test_a_card_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Recorder()

    @contextmanager
    def show() -> Iterator[Recorder]:
        yield told

    monkeypatch.setattr("tokbench.cli.card.show_progress", show)
    run("card", "utf8", "-l", "en,de", "-n", "5")
    assert [*told.totals] == ["loading", "counting", "intervals", "examining"]
    assert told.done == told.totals
    assert told.parts["examining"] == ["vocabulary", "round trip", "checks", "groups of languages", "engines"]


def test_texts_that_are_no_languages_have_no_groups() -> None:
    made_of_groups = tb.card("utf8", {"java": ["a b"], "python": ["a = b"]}, today=lambda: DAY)
    assert made_of_groups.premiums == ()
    assert made_of_groups.engines == ()
    assert made_of_groups.facts.files == ()
    assert (made_of_groups.pipeline.normalizer, made_of_groups.pipeline.pre_tokenizer) == ("none", "none")


def test_a_library_object_has_a_card() -> None:
    found = tb.card(made.train_byte_level(), {"en": ["ab"]}, today=lambda: DAY)
    assert found.facts.origin == "object"
    assert found.vocabulary.sizes.total == len(tb.load_tokenizer(made.train_byte_level()))


def test_an_unknown_tokenizer_is_refused() -> None:
    with pytest.raises(tb.TokbenchError, match="no tokenizer is called 'nope'"):
        tb.card("nope", {"en": ["a"]})


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"type": "NFC"}, "NFC"),
        ({"type": "Precompiled", "precompiled_charsmap": "ALQC" * 99}, "Precompiled (rules compiled by SentencePiece)"),
        ({"type": "Split", "pattern": {"Regex": "x" * 99}, "invert": False}, "Split (by a regular expression)"),
        ({"type": "Prepend", "prepend": "x" * 99}, f"Prepend (prepend '{'x' * 39}...)"),
    ],
)
def test_steps_are_written_in_words(step: dict[str, object], words: str) -> None:
    assert describe_step(step) == words
