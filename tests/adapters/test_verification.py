"""An engine runs only what it is proven to run: each corpus anew, merges that are ranks, facts of the reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from helpers.data import needs_data
from helpers.made import make_ranks, make_tokenizer_json, train_byte_level
from tokbench import TokbenchError, load_tokenizer
from tokbench.adapters import (
    ADAPTERS,
    Cost,
    EncodedBatch,
    LoadedTokenizer,
    TokenTable,
    find_asset,
    huggingface,
    load_asset,
    load_on_engine,
)
from tokbench.adapters._accelerated import EngineTokenizer, Misread
from tokbench.adapters._added_tokens import AddedTokens
from tokbench.adapters._hard_texts import HARD_BYTES, hard_texts, surround_tokens
from tokbench.adapters.selection import Sample, find_mismatch, load_engine
from tokbench.analysis.vocabulary import inspect_vocabulary

LARGE = 10**9
RANK_ENGINES = ["splintr", "tiktoken"]


class Deaf(EngineTokenizer):
    """tokenizers, but deaf to zebras: what a sample of another corpus does not show."""

    def __init__(self, asset: Any) -> None:
        super().__init__(asset, "tiktoken==0", "encode", huggingface.load)

    def encode_read(self, texts: Any) -> EncodedBatch:
        return self.reference.encode_batch([text.replace("zebra", "horse") for text in texts])


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an engine that is wrong on one word."""
    module = SimpleNamespace(
        REFERENCE_FOR=frozenset(), LIBRARY="tiktoken", RUNS={"tokenizer.json": Cost(load=0, encode=0)}, load=Deaf
    )
    engines = {"deaf": module, "huggingface": ADAPTERS["huggingface"]}
    monkeypatch.setattr("tokbench.adapters.selection._choice.find_engines", lambda _: {"deaf": module})
    monkeypatch.setattr("tokbench.adapters.selection._choice.ADAPTERS", engines)
    return "deaf"


def test_an_engine_is_verified_on_each_corpus(tmp_path: Path, deaf: str) -> None:
    """An engine that is exact on one corpus is not believed on the next, in either order, nor forgotten."""
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    horses, zebras = Sample(("a horse",), LARGE), Sample(("a zebra",), LARGE)
    assert isinstance(load_engine(asset, "auto", horses), Deaf)
    assert load_engine(asset, "auto", zebras).engine.startswith("tokenizers")
    assert isinstance(load_engine(asset, "auto", horses), Deaf)
    with pytest.raises(TokbenchError, match=r"not exact .* in the corpus, token 2 of text 0 \('a zebra'\)"):
        load_engine(asset, deaf, zebras)


def test_what_is_verified_is_not_verified_again(tmp_path: Path, deaf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    seen: list[Sample | None] = []
    monkeypatch.setattr("tokbench.adapters.selection._choice.verify", spy(seen))
    first, second = Sample(("a horse",), LARGE), Sample(("two horses",), LARGE)
    for sample in (first, first, second, first, second):
        load_engine(asset, deaf, sample)
    assert seen == [None, first, second]  # the hard texts once, the sample of each corpus once


def spy(seen: list[Sample | None]) -> Any:
    """The verification, which notes on what."""
    from tokbench.adapters.selection import verify

    def noted(tokenizer: Any, reference: Any, sample: Sample | None = None) -> Any:
        seen.append(sample)
        return verify(tokenizer, reference, sample)

    return noted


def test_verifying_counts_among_the_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: str) -> None:
    """An engine pays only if loading the reference and encoding what has to be verified with both pays too."""
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    monkeypatch.setattr(ADAPTERS["huggingface"], "RUNS", {"tokenizer.json": Cost(load=0, encode=1.0)})
    smallest = (HARD_BYTES + 200_000) / 1e6  # encoded by the reference, in MB
    assert load_engine(asset, "auto", Sample(("a",), int(smallest * 1e6))).engine.startswith("tokenizers")
    assert isinstance(load_engine(asset, "auto", Sample(("a",), int(smallest * 1e6) + 1)), Deaf)
    assert isinstance(load_engine(asset, "auto", Sample(("a",), 300_000)), Deaf)  # verified by now
    assert load_engine(asset, "auto", Sample(("b",), 200_000)).engine.startswith("tokenizers")


def test_the_hard_texts_are_about_as_long_as_said() -> None:
    assert 0.9 < sum(len(text.encode()) for text in hard_texts()) / HARD_BYTES < 1.1


def test_added_tokens_are_tried_in_every_position() -> None:
    texts = set(surround_tokens(["<a>", "a>b"]))
    assert {"<a>", "<a><a>", "a<a>b", "a <a> b", "  <a>  ", "<a>a>b", "x<a>b a><a>", "<a", "a>"} <= texts


# ---- characters that an engine misreads


@pytest.mark.parametrize("engine", ["fastokens", "splintr", "tiktoken"])
@pytest.mark.parametrize(
    "text", ["\u180e'e", "  \u180e", " \u205f\u180e", "\u00a0\u00a0\u180e", "a\u088f's", "\U000323b0's 1\ua7ce"]
)
def test_misread_characters_are_left_to_the_reference(tmp_path: Path, engine: str, text: str) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    texts = ["the fox", text, "", f"the {text} the", "你好"]
    expected = load_asset(asset).encode_batch(texts)
    assert find_mismatch(expected, load_on_engine(asset, ADAPTERS[engine]).encode_batch(texts), texts) is None


def test_characters_are_found_whether_python_knows_them_or_not() -> None:
    misread = Misread("180E 1E6C0-1E6DE")
    assert Misread("17F 180E").find(["\u017f", "s", "é\u180e", "é"]).tolist() == [True, False, True, False]
    texts = ["", "plain", "é", "é\n", "a\u180eb", "\U0001e6d0", "\U0001e6df", "é\t\u180e"]
    assert misread.find(texts).tolist() == [False, False, False, False, True, True, False, True]
    assert Misread("E9").find(["café", "cafe"]).tolist() == [True, False]


# ---- merges that are ranks


def write_bpe(path: Path, merges: list[tuple[str, str]], extra: tuple[str, ...] = (), **options: bool) -> Path:
    """A byte-level BPE of all bytes and these merges."""
    vocab = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for text in (*("".join(merge) for merge in merges), *extra):
        vocab.setdefault(text, len(vocab))
    tokenizer = Tokenizer(models.BPE(vocab, merges, **options))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(path))
    return path


@pytest.mark.parametrize("engine", RANK_ENGINES)
@pytest.mark.parametrize(
    ("merges", "extra", "options", "reason"),
    [
        # "Ġco" + "vid" comes after "Ġ" + "c", which leaves no "Ġco"
        ([("v", "i"), ("vi", "d"), ("Ġ", "c"), ("c", "o"), ("Ġ", "co"), ("Ġco", "vid")], (), {}, "do not make"),
        ([("a", "b"), ("b", "c"), ("a", "bc")], (), {}, "do not make the token 'abc'"),
        ([("q", "u")], ("quux",), {"ignore_merges": True}, "tokens that no merge makes, such as 'quux'"),
        ([("a", "b"), ("b", "c"), ("a", "bc")], (), {"ignore_merges": True}, "do not make the token 'abc'"),
    ],
)
def test_merges_that_are_no_ranks_are_refused(
    tmp_path: Path, engine: str, merges: Any, extra: Any, options: Any, reason: str
) -> None:
    asset = find_asset(str(write_bpe(tmp_path / "tokenizer.json", merges, extra, **options)))
    with pytest.raises(TokbenchError, match=reason):
        ADAPTERS[engine].load(asset)


@pytest.mark.parametrize("engine", RANK_ENGINES)
@pytest.mark.parametrize("options", [{}, {"ignore_merges": True}])
def test_merges_that_are_ranks_are_run(tmp_path: Path, engine: str, options: Any) -> None:
    """Appended merges too, where they are reached: every token, whole or in a word, is the reference's."""
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("q", "u"), ("x", "y"), ("xy", "the"), ("qu", "qu")]
    asset = find_asset(str(write_bpe(tmp_path / "tokenizer.json", merges, **options)))
    texts = ["the", " the", "xythe", "ququ", "quququ", "xythethe xy", "tthhee"]
    expected = load_asset(asset).encode_batch(texts)
    assert find_mismatch(expected, ADAPTERS[engine].load(asset).encode_batch(texts), texts) is None


@pytest.mark.parametrize("engine", RANK_ENGINES)
def test_a_special_token_in_the_vocabulary_does_not_stand_against_ranks(tmp_path: Path, engine: str) -> None:
    path = write_bpe(tmp_path / "tokenizer.json", [("t", "h")], ("<|end|>",), ignore_merges=True)
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.save(str(path))
    asset = find_asset(str(path))
    texts = ["th<|end|>th", "<|end|>", "end"]
    expected = load_asset(asset).encode_batch(texts)
    assert find_mismatch(expected, ADAPTERS[engine].load(asset).encode_batch(texts), texts) is None


# ---- added tokens around ranks


def write_added(path: Path, tokens: list[AddedToken], special: list[AddedToken], form: Any = None) -> Path:
    """The made byte-level BPE with more added tokens."""
    tokenizer = train_byte_level()
    tokenizer.normalizer = form
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens(tokens)
    tokenizer.save(str(path))
    return path


@pytest.mark.parametrize("engine", RANK_ENGINES)
@pytest.mark.parametrize("form", [None, normalizers.NFC(), normalizers.NFKC()])
def test_added_tokens_are_found_as_the_reference_finds_them(tmp_path: Path, engine: str, form: Any) -> None:
    """Before normalisation or after it, hidden by overlapping special tokens, the longest from the left."""
    plain = [
        AddedToken("é"),
        AddedToken("ab", normalized=False),
        AddedToken("abc"),
        AddedToken("|> x"),
        AddedToken("  "),
    ]
    special = [AddedToken("<|end|>", normalized=False), AddedToken("<|end|>>", normalized=True)]
    asset = find_asset(str(write_added(tmp_path / "tokenizer.json", plain, special, form)))
    reference = load_asset(asset)
    texts = [
        "e\u0301",
        "é",
        "abc abcab",
        "ab\u0301c",
        "<|end|> x",
        "<|end|>> x",
        "<|end|> x  |> x",
        "\u00a0\u00a0 a  b",
    ]
    texts += [*surround_tokens(reference.reserved_texts())]
    loaded = ADAPTERS[engine].load(asset)
    assert find_mismatch(reference.encode_batch(texts), loaded.encode_batch(texts), texts) is None


def test_added_tokens_that_look_around_are_refused(tmp_path: Path) -> None:
    for flag in ("single_word", "lstrip", "rstrip"):
        tokenizer = train_byte_level()
        tokenizer.add_tokens([AddedToken("ab", **{flag: True})])
        with pytest.raises(ValueError, match="'ab' depends on its surroundings"):
            AddedTokens.of(tokenizer)


@pytest.mark.parametrize("engine", ["fastokens", *RANK_ENGINES])
def test_engines_refuse_added_tokens_that_look_around(tmp_path: Path, engine: str) -> None:
    asset = find_asset(str(write_added(tmp_path / "tokenizer.json", [AddedToken("ab", rstrip=True)], [])))
    with pytest.raises(TokbenchError, match="surroundings"):
        ADAPTERS[engine].load(asset)


def test_fastokens_refuses_added_tokens_on_both_sides_of_normalisation(tmp_path: Path) -> None:
    plain = [AddedToken("ab", normalized=False), AddedToken("cd")]
    asset = find_asset(str(write_added(tmp_path / "tokenizer.json", plain, [])))
    with pytest.raises(TokbenchError, match="both before and after normalisation"):
        ADAPTERS["fastokens"].load(asset)


# ---- facts


def engines_of(asset: Any) -> Iterator[ModuleType]:
    return (ADAPTERS[name] for name in ("fastokens", "splintr", "tiktoken"))


class Plugin(LoadedTokenizer):
    """An engine of the form that docs/adding.md has, which knows nothing of special tokens."""

    def __init__(self, asset: Any) -> None:
        super().__init__(asset, "tokbench", "encode", base=1, total=1)
        self.inner = huggingface.load(asset)

    def encode_batch(self, texts: Any) -> EncodedBatch:
        return self.inner.encode_batch(texts)

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        return ["?"] * len(batch)

    def read_table(self) -> TokenTable:
        return TokenTable.from_tokens([b"?"])


def facts(tokenizer: Any) -> tuple[object, ...]:
    sizes = tokenizer.vocab_base, tokenizer.vocab_total, tokenizer.unk_id, tokenizer.prefix
    stages = [stage for stage, _ in tokenizer.stages()]
    return *sizes, tokenizer.special_tokens(), tokenizer.reserved_texts(), stages, tokenizer.decode([0, 1, 2])


@pytest.mark.parametrize("engine", ["fastokens", "splintr", "tiktoken", "plugin"])
def test_facts_are_the_same_on_every_engine(tmp_path: Path, engine: str) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    module = SimpleNamespace(load=Plugin) if engine == "plugin" else ADAPTERS[engine]
    reference, loaded = load_asset(asset), load_on_engine(asset, module)  # type: ignore[arg-type]
    assert facts(loaded) == facts(reference)
    assert loaded.special_tokens() == {0: "<|endoftext|>"}
    assert np.array_equal(loaded.token_table().data, reference.token_table().data)


def test_facts_are_kept(tmp_path: Path) -> None:
    """A second load takes what the first found: special tokens too, ids as numbers."""
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    first, again = (load_engine(asset, "tiktoken", Sample(("x",), LARGE)) for _ in range(2))
    assert facts(again) == facts(first) == facts(load_asset(asset))


@needs_data
@pytest.mark.parametrize("engine", ["huggingface", "splintr", "fastokens"])
def test_gpt_neox_has_its_dead_rows_on_every_engine(engine: str) -> None:
    from tokbench.pythia.model.models import find_model

    found = inspect_vocabulary(load_tokenizer("gpt-neox-20b", engine=engine))
    assert found.count_by("class").filter(found.count_by("class")["class"] == "special")["tokens"].to_list() == [2]
    assert found.dead_rows(find_model("pythia-70m")).parameters == 253_952


def test_special_tokens_of_ranks_are_the_same_on_splintr(tmp_path: Path) -> None:
    asset = find_asset(f"{make_ranks(tmp_path)}#cl100k_base")
    assert load_on_engine(asset, ADAPTERS["splintr"]).special_tokens() == load_asset(asset).special_tokens()


def test_the_added_tokens_of_a_file_survive_the_cache(tmp_path: Path) -> None:
    path = write_added(tmp_path / "tokenizer.json", [AddedToken("ab"), AddedToken("cd", normalized=False)], [])
    asset = find_asset(str(path))
    texts = ["xabx cd"]
    batches = [ADAPTERS["tiktoken"].load(asset).encode_batch(texts) for _ in range(2)]
    assert batches[0].ids.tolist() == batches[1].ids.tolist() == load_asset(asset).encode_batch(texts).ids.tolist()
    assert json.loads(path.read_text())["added_tokens"][-1]["content"] == "cd"
