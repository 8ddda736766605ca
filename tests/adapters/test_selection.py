"""Engines beside the reference: equal ids, verified before they are used, and what happens where they are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from helpers.contract import check_contract
from helpers.data import ROOT, needs_data
from helpers.made import (
    make_claude_json,
    make_ranks,
    make_rwkv,
    make_sentencepiece,
    make_tekken,
    make_tokenizer_json,
    make_vocab_and_merges,
)
from tokbench import TokbenchError, compare, load_corpus, load_tokenizer
from tokbench._shared.cache import read_json
from tokbench._shared.environment import installed
from tokbench.adapters import (
    ADAPTERS,
    Cost,
    EncodedBatch,
    EngineTokenizer,
    LoadedTokenizer,
    count_tokens,
    find_asset,
    find_engines,
    load_asset,
)
from tokbench.adapters._cost import GROWTH, UNIT
from tokbench.adapters._fastokens_rewrites import restate_json
from tokbench.adapters._hard_texts import hard_texts
from tokbench.adapters._merges_as_ranks import RankedMerges
from tokbench.adapters.selection import Mismatch, Sample, find_mismatch, load_engine, take_sample
from tokbench.adapters.selection._choice import _Record
from tokbench.adapters.selection.verification import Verification
from tokbench.adapters.splintr import relax
from tokbench.comparison import Unfinished
from tokbench.errors import CacheWarning, MissingExtraError
from tokbench.measurement import measure
from tokbench.measurement.chunks import cut_stripes

needs_fastokens = pytest.mark.skipif(installed("fastokens") is None, reason="fastokens is not installed")
LARGE = 10**9
SAMPLE = Sample(("The quick brown fox.", "你好，世界", "  e\u0301  "), LARGE)
needs_splintr = pytest.mark.skipif(installed("splintr-rs") is None, reason="splintr is not installed")
ENGINES = [
    pytest.param("fastokens", marks=needs_fastokens),
    pytest.param("splintr", marks=needs_splintr),
    "tiktoken",
]


def equal(a: EncodedBatch, b: EncodedBatch) -> bool:
    return np.array_equal(a.ids, b.ids) and np.array_equal(a.offsets, b.offsets)


@pytest.mark.smoke
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("make", [make_tokenizer_json, make_vocab_and_merges])
def test_an_engine_gives_the_ids_of_the_reference(tmp_path: Path, engine: str, make: object) -> None:
    asset = find_asset(str(make(tmp_path / "made" if make is make_vocab_and_merges else tmp_path)))  # type: ignore[operator]
    loaded, reference = ADAPTERS[engine].load(asset), load_asset(asset)
    assert isinstance(loaded, EngineTokenizer)
    texts = hard_texts()
    assert equal(loaded.encode_batch(texts), reference.encode_batch(texts))
    assert loaded.encode_batch([]).offsets.tolist() == [0]
    assert loaded.count_batch(["a", ""]).tolist() == reference.count_batch(["a", ""]).tolist()
    assert (loaded.vocab_base, loaded.vocab_total, loaded.unk_id, loaded.prefix) == (
        reference.vocab_base,
        reference.vocab_total,
        reference.unk_id,
        reference.prefix,
    )
    ids = reference.encode_batch(["the fox"]).ids.tolist()
    assert loaded.decode(ids) == "the fox"
    assert loaded.token_bytes(ids[0]) == reference.token_bytes(ids[0])
    check_contract(loaded, [*texts[:40], *texts[-4:]])


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_are_exact_on_any_text(made_json: Path, engine: str) -> None:
    asset = find_asset(str(made_json))
    loaded, reference = ADAPTERS[engine].load(asset), load_asset(asset)

    @settings(max_examples=60, deadline=None)
    @given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=4))
    def compare_on(texts: list[str]) -> None:
        assert equal(loaded.encode_batch(texts), reference.encode_batch(texts))

    compare_on()


@pytest.fixture(scope="module")
def made_json(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tokenizer_json(tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize("make", [make_ranks, make_claude_json, make_tekken])
@needs_splintr
def test_splintr_gives_the_ids_of_tiktoken(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    asset = find_asset(f"{path}#cl100k_base" if make is make_ranks else str(path))
    loaded, reference = ADAPTERS["splintr"].load(asset), load_asset(asset)
    assert equal(loaded.encode_batch(hard_texts()), reference.encode_batch(hard_texts()))
    check_contract(loaded, ["", "the 你好 ", "\x00", " the  then"])


@pytest.fixture(scope="module")
def made_rwkv(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedTokenizer, EngineTokenizer]:
    asset = find_asset(str(make_rwkv(tmp_path_factory.mktemp("made"))))
    reference, loaded = load_asset(asset), ADAPTERS["fastokens"].load(asset)
    assert isinstance(reference, LoadedTokenizer)
    assert isinstance(loaded, EngineTokenizer)
    return reference, loaded


@needs_fastokens
def test_fastokens_finds_the_longest_tokens_of_rwkv(made_rwkv: tuple[LoadedTokenizer, EngineTokenizer]) -> None:
    reference, loaded = made_rwkv
    texts = [*hard_texts(), "\u0100\u0101", "\x00\x7f\x80\xff", "then then the", "你好你"]
    assert equal(loaded.encode_batch(texts), reference.encode_batch(texts))
    assert loaded.encode_batch([]).offsets.tolist() == [0]
    check_contract(loaded, texts[:40])


@needs_fastokens
@settings(max_examples=100)
@given(
    st.lists(
        st.text(st.sampled_from("then 你好é\x00\u0100\ud7ff\U0010ffff") | st.characters(exclude_categories=["Cs"]))
    )
)
def test_fastokens_finds_them_in_any_text(made_rwkv: tuple[LoadedTokenizer, EngineTokenizer], texts: list[str]) -> None:
    reference, loaded = made_rwkv
    assert equal(loaded.encode_batch(texts), reference.encode_batch(texts))


@needs_data
@needs_fastokens
def test_fastokens_is_exact_for_rwkv_world() -> None:
    asset = find_asset("rwkv-world")
    loaded, reference = ADAPTERS["fastokens"].load(asset), load_asset(asset)
    assigned = (*range(0xD800), *range(0xE000, 0x34000), *range(0xE0000, 0xE0200))
    points = [chr(c) for c in (*assigned, *range(0x34000, 0x110000, 101))]
    for texts in (hard_texts(), points):
        assert equal(loaded.encode_batch(texts), reference.encode_batch(texts))


def test_ranks_are_kept_by_the_entry_too_that_files_are_read_by(tmp_path: Path) -> None:
    folder = make_vocab_and_merges(tmp_path / "made")
    found = [RankedMerges.recall(find_asset(f"{folder}#{name}")) for name in ("gpt2", "qwen2.5")]
    read = [RankedMerges.read(find_asset(f"{folder}#{name}")) for name in ("gpt2", "qwen2.5")]
    assert [s.pattern for s in found] == [s.pattern for s in read]
    assert [s.form for s in found] == [s.form for s in read] == [None, "NFC"]
    assert found[0].pattern != found[1].pattern


@pytest.mark.parametrize(
    ("make", "adapter", "kind"),
    [
        (make_tokenizer_json, "tiktoken", "merges"),
        (make_rwkv, "rwkv", "rwkv"),
        pytest.param(make_tokenizer_json, "fastokens", "restated", marks=needs_fastokens),
    ],
)
def test_what_loading_finds_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path], adapter: str, kind: str
) -> None:
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path / "cache"))
    asset = find_asset(str(make(tmp_path)))
    first = ADAPTERS[adapter].load(asset)
    (kept,) = (tmp_path / "cache" / kind).iterdir()
    written = kept.stat().st_mtime_ns
    again = ADAPTERS[adapter].load(asset)
    assert kept.stat().st_mtime_ns == written
    assert equal(again.encode_batch(hard_texts()), first.encode_batch(hard_texts()))
    some = hard_texts()[::20]
    ids = first.encode_batch(some)
    whole = kept.read_bytes()
    flipped = bytearray(whole)
    flipped[-100] ^= 0x10
    for damage in (b"", whole[:100], b"no arrays", whole[:-1], whole + b" ", bytes(flipped)):
        kept.write_bytes(damage)
        with pytest.warns(CacheWarning, match=rf"{kept.name}, cached by tokbench, is damaged .*: rebuilding it"):
            again = ADAPTERS[adapter].load(asset)
        assert equal(again.encode_batch(some), ids)
        assert kept.read_bytes() == whole


@needs_data
@pytest.mark.parametrize(
    ("name", "engines"),
    [
        *((name, ("splintr",)) for name in ("cl100k_base", "o200k_base", "llama3", "claude")),
        *((name, ("splintr", "fastokens")) for name in ("gpt2", "qwen2.5", "gpt-neox-20b")),
        *((name, ("fastokens",)) for name in ("falcon", "opt")),
    ],
)
@needs_fastokens
@needs_splintr
def test_engines_are_exact_for_real_vocabularies(name: str, engines: tuple[str, ...]) -> None:
    asset = find_asset(name)
    texts = hard_texts()
    expected = load_asset(asset).encode_batch(texts)
    for engine in engines:
        assert equal(ADAPTERS[engine].load(asset).encode_batch(texts), expected), engine


@pytest.mark.parametrize(
    ("pattern", "relaxed"),
    [
        (r"[^\p{L}]?+\p{L}++|\p{N}{1,3}+|\p{L}+", r"[^\p{L}]?\p{L}+|\p{N}{1,3}|\p{L}+"),
        (r"[*+]+|\++|a*+|\s++$", r"[*+]+|\++|a*|\s+$"),
    ],
)
def test_possessive_quantifiers_become_greedy(pattern: str, relaxed: str) -> None:
    assert relax(pattern) == relaxed


@pytest.mark.parametrize(("engine", "library"), [("splintr", "splintr"), ("fastokens", "fastokens")])
def test_a_missing_library_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, library: str
) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"pip install {library}"):
        ADAPTERS[engine].load(asset)


@needs_fastokens
@needs_splintr
def test_auto_takes_what_costs_least_for_this_much_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    size = (count_tokens(asset) / UNIT) ** GROWTH
    for name, load, encode in (("fastokens", 9.0, 0.1), ("splintr", 2.0, 0.2), ("tiktoken", 3.0, 3.0)):
        monkeypatch.setattr(ADAPTERS[name], "RUNS", {"tokenizer.json": Cost(load / size, encode)})
    monkeypatch.setattr(ADAPTERS["huggingface"], "RUNS", {"tokenizer.json": Cost(1 / size, 1.0)})
    for corpus_bytes, engine in ((1_000_000, "tokenizers"), (10_000_000, "splintr-rs"), (10**9, "fastokens")):
        assert load_engine(asset, "auto", replace(SAMPLE, corpus_bytes=corpus_bytes)).engine.startswith(engine)


@pytest.mark.parametrize("behavior", ["contiguous", "isolated", "merged_with_previous", "merged_with_next"])
@needs_fastokens
def test_punctuation_is_restated_for_fastokens(tmp_path: Path, behavior: str) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation(behavior), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(["a,b... c!! d -- e?! «f» 'g'", "x...y!!z"], trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    asset = find_asset(str(tmp_path / "tokenizer.json"))
    texts = [*hard_texts(), "a...b", "!!", "$$ ++ ^^", "。。、"]
    assert equal(ADAPTERS["fastokens"].load(asset).encode_batch(texts), load_asset(asset).encode_batch(texts))


FALCON = [
    pre_tokenizers.Punctuation("contiguous"),
    pre_tokenizers.ByteLevel(add_prefix_space=False),
    pre_tokenizers.Digits(individual_digits=False),
    pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated"),
]
DIGITS = [
    *(
        "a1b22c333d4444 e55555,f666666. 12 345 6789  0",
        "x²345 ½¾7 ٣123456 12٣456 ১২ ৩৪৫ вв3",
        "don't 1,234.5 e\u0301²³",
    ),
    *("2018 and 2019, 1,000,000", "\u0b72\u0b73 ½ ¼¼¼ ²²²²", "…  . , 'tis  !"),
]


def make_chain(folder: Path, trained_by: list[pre_tokenizers.PreTokenizer], **kept: list[str]) -> Path:
    """A byte-level BPE with Falcon's pre-tokenisers, whose merges come from text that was split otherwise."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(trained_by)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = kept.get("alphabet", pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([*DIGITS * 3, "the 11 12 111 x1 x1 x1 a1"], trainer)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(FALCON)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


@pytest.mark.parametrize(("trained_by", "steps"), [(FALCON, ["Split", "ByteLevel"]), (FALCON[:2], None)])
@needs_fastokens
def test_falcons_chain_is_fused_where_no_merge_crosses_its_cuts(
    tmp_path: Path, trained_by: list[pre_tokenizers.PreTokenizer], steps: list[str] | None
) -> None:
    path = make_chain(tmp_path, trained_by)
    restated = json.loads(restate_json(path.read_text()))["pre_tokenizer"]["pretokenizers"]
    assert [step["type"] for step in restated] == (steps or ["Split", "ByteLevel", "Digits", "Split"])
    asset = find_asset(str(path))
    texts = [*hard_texts(), *DIGITS]
    assert equal(ADAPTERS["fastokens"].load(asset).encode_batch(texts), load_asset(asset).encode_batch(texts))


@needs_fastokens
def test_falcons_chain_on_any_mixture(tmp_path: Path) -> None:
    asset = find_asset(str(make_chain(tmp_path, FALCON)))
    loaded, reference = ADAPTERS["fastokens"].load(asset), load_asset(asset)

    @settings(max_examples=150, deadline=None)
    @given(texts=st.lists(st.text(st.sampled_from("a1234567²½٣১é .,'!\n\tв\u0301$x"), max_size=30), max_size=4))
    def compare_on(texts: list[str]) -> None:
        assert equal(loaded.encode_batch(texts), reference.encode_batch(texts))

    compare_on()


GPT2_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
DIGITS_APART = {
    "Digits, ByteLevel": [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)],
    "Digits, Split, ByteLevel": [
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.Split(Regex(GPT2_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ],
}


@pytest.mark.parametrize("chain", DIGITS_APART)
@pytest.mark.parametrize("engine", ENGINES)
def test_digits_cut_apart_before_a_pattern_are_one_split(tmp_path: Path, chain: str, engine: str) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(DIGITS_APART[chain])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([*DIGITS * 3, "a  b   c  d's   x"], trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    restated = json.loads(restate_json((tmp_path / "tokenizer.json").read_text()))["pre_tokenizer"]["pretokenizers"]
    assert [step["type"] for step in restated] == ["Split", "ByteLevel"]
    asset = find_asset(str(tmp_path / "tokenizer.json"))
    texts = [*hard_texts(), *DIGITS, "a   5  b  ", "5  ", "  5's 6't x  ²  ٣"]
    assert equal(ADAPTERS[engine].load(asset).encode_batch(texts), load_asset(asset).encode_batch(texts))


@needs_fastokens
def test_bytes_without_a_token_are_left_to_the_reference(tmp_path: Path) -> None:
    alphabet = sorted(set(pre_tokenizers.ByteLevel.alphabet()) - {"ĭ", "ĵ"})  # of bytes 0x0B and 0x13
    asset = find_asset(str(make_chain(tmp_path, FALCON, alphabet=alphabet)))
    texts = ["plain", "a\x0bb the\x13", "12\x0b345"]
    assert equal(ADAPTERS["fastokens"].load(asset).encode_batch(texts), load_asset(asset).encode_batch(texts))


def test_a_sequence_of_one_step_is_that_step() -> None:
    step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    head = '{"version": "1.0", "pre_tokenizer" : '
    tail = ', "model": {"vocab": {"pre_tokenizer": 0}, "merges": []}}'
    one = head + json.dumps({"type": "Sequence", "pretokenizers": [step]}) + tail
    assert restate_json(one) == head + json.dumps(step) + tail
    two = head + json.dumps({"type": "Sequence", "pretokenizers": [{"type": "Digits"}, step]}) + tail
    assert restate_json(two) == two
    with pytest.raises(ValueError, match="colon"):
        restate_json('{"pre_tokenizer" 1}')


@needs_splintr
def test_text_that_python_cannot_vouch_for_takes_the_form_of_the_reference(tmp_path: Path) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    texts = [
        "e\u0301",
        "é",
        "\u1ad0\u0301a",
        "\u0378\u0323\u0301",
        "\U0001e6e3\u0323",
        "a\u200d\u0301\u0323",
        "    a    ",
    ]
    assert equal(ADAPTERS["splintr"].load(asset).encode_batch(texts), load_asset(asset).encode_batch(texts))


def test_auto_takes_a_verified_engine_and_remembers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    first = load_engine(asset, "auto", SAMPLE)
    assert isinstance(first, EngineTokenizer)
    kept = list((Path(os.environ["TOKBENCH_CACHE"]) / "engines").iterdir())
    assert {path.suffix for path in kept} == {".document", ".arrays"}
    document = read_json(next(path for path in kept if path.suffix == ".document"))
    assert document == {"engine": first.engine, "reason": None}

    def fail(asset: object) -> None:
        raise AssertionError("the reference was loaded again")

    monkeypatch.setattr(ADAPTERS["huggingface"], "load", fail)
    again = load_engine(asset, "auto", SAMPLE)
    assert again.token_table().data.tolist() == first.token_table().data.tolist()
    assert again.vocab_total == first.vocab_total


def test_the_reference_runs_what_is_small_or_asked_for(tmp_path: Path) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    assert load_engine(asset, "auto", replace(SAMPLE, corpus_bytes=10)).engine.startswith("tokenizers")
    assert load_engine(asset, "reference", SAMPLE).engine.startswith("tokenizers")
    assert load_engine(asset, "tiktoken", replace(SAMPLE, corpus_bytes=10)).engine.startswith("tiktoken")


def test_a_format_without_another_engine_keeps_its_reference(tmp_path: Path) -> None:
    asset = find_asset(str(make_sentencepiece(tmp_path)))
    assert find_engines("sentencepiece") == {}
    assert load_engine(asset, "auto", SAMPLE).engine.startswith("sentencepiece")
    with pytest.raises(TokbenchError, match="does not run"):
        load_engine(asset, "tiktoken", SAMPLE)
    with pytest.raises(TokbenchError, match="no adapter is called 'fastoken'"):
        load_engine(asset, "fastoken", SAMPLE)


def test_the_first_difference_is_found() -> None:
    one = EncodedBatch.from_lists([[1, 2], [3, 4, 5]])
    other = EncodedBatch.from_lists([[1, 2], [3, 9, 5]])
    assert find_mismatch(one, one, ["ab", "cde"]) is None
    assert find_mismatch(one, other, ["ab", "cde"]) == Mismatch(1, 1, (4, 5), (9, 5), "cde")
    shorter = EncodedBatch.from_lists([[1], [2, 3, 4, 5]])
    assert find_mismatch(one, shorter, ["ab", "cde"]) == Mismatch(0, 1, (2,), (), "ab")


PLUGIN = '''
"""tokenizers, but every id of one text in many is one too high: what a gate has to catch."""
import numpy as np
from tokbench.adapters import Cost, EncodedBatch, huggingface

REFERENCE_FOR = frozenset()
RUNS = {"tokenizer.json": Cost(load=0, encode=0)}
LIBRARY = "liar"

class Liar:
    def __init__(self, asset):
        self.inner, self.seen = huggingface.load(asset), 0
        self.engine = "liar==1.0"
    def __getattr__(self, name):
        return getattr(self.inner, name)
    def encode_batch(self, texts):
        batch = self.inner.encode_batch(texts)
        ids = batch.ids.copy()
        for place in range(len(ids)):
            self.seen += 1
            if self.seen % EVERY == 0:
                ids[place] ^= 1
        return EncodedBatch(ids, batch.offsets)

def load(asset):
    return Liar(asset)
'''


@pytest.fixture
def liar(tmp_path: Path) -> Path:
    """A package whose engine changes one id in a million."""
    folder = tmp_path / "site"
    info = folder / "liar-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "liar.py").write_text(PLUGIN.replace("EVERY", "1_000_000"))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: liar\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tokbench.adapters]\nliar = liar\n")
    return folder


def test_a_wrong_engine_is_never_ranked(tmp_path: Path, liar: Path) -> None:
    """One id in a million is changed: the gate over the whole corpus finds it, and shows where."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    line = "the quick brown fox jumps over the lazy dog and the clerk, 42 times a day "
    (corpus / "en.txt").write_text("".join(f"{line * 40}{i}\n" for i in range(1200)))
    tokenizer = make_tokenizer_json(tmp_path)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tokbench", "bench", str(tokenizer), "-c", str(corpus), "--engine", "liar"),
            *("-f", "json", "--rounds", "2"),
        ],
        env={**os.environ, "PYTHONPATH": str(liar)},
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = json.loads(done.stdout)["benchmarks"]
    engines = {engine["name"]: engine for engine in found["engines"]}
    assert engines["huggingface"]["exact"]
    assert not engines["liar"]["exact"]
    assert engines["liar"]["difference"]["text"] > 0
    assert {speed["name"] for speed in found["speeds"]} == {"huggingface"}
    assert any("liar is not ranked: it differs in the corpus: token" in sentence for sentence in found["sentences"])


def test_compare_falls_back_where_the_sample_differs(tmp_path: Path, liar: Path) -> None:
    (liar / "liar.py").write_text(PLUGIN.replace("EVERY", "1_000"))
    tokenizer = make_tokenizer_json(tmp_path)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "en.txt").write_text("the fox\nthe dog\n")
    command = [
        sys.executable,
        "-m",
        "tokbench",
        "compare",
        str(tokenizer),
        "-c",
        str(tmp_path / "c"),
        "-q",
        "-f",
        "json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(liar)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["tokenizers"][0]["engine"].startswith("tokenizers==")
    refused = subprocess.run(
        [*command, "--engine", "liar"], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "the engine liar is not exact for" in refused.stderr


@needs_data
def test_measurements_do_not_depend_on_engine_or_threads(shared_data: Path) -> None:
    corpus = load_corpus(shared_data / "corpora" / "flores200" / "dev", languages=["eng_Latn", "hin_Deva"], segments=40)
    asset = find_asset("gpt-neox-20b")
    on = {name: load_engine(asset, name, take_sample(corpus)) for name in ("reference", "tiktoken")}
    one, other = (measure([tokenizer], corpus, threads=n) for n, tokenizer in enumerate(on.values(), 1))
    for name in ("texts", "counts", "ids", "vocab", "documents"):
        assert getattr(one, name).equals(getattr(other, name), null_equal=True), name
    assert load_tokenizer("gpt-neox-20b").engine == on["reference"].engine


def test_parts_on_threads_add_up_to_the_whole(monkeypatch: pytest.MonkeyPatch, made_json: Path) -> None:
    corpus = load_corpus(languages=["en", "zh"], segments=60)
    tokenizer = load_tokenizer(str(made_json))
    whole = measure([tokenizer], corpus, threads=1)
    monkeypatch.setattr("tokbench.measurement.chunks.STRIPE_BYTES", 6000)
    monkeypatch.setattr("tokbench.measurement.chunks.LANGUAGE_BYTES", 0)
    monkeypatch.setattr("tokbench.measurement.chunks.WHOLE_BYTES", 0)
    monkeypatch.setattr("tokbench.measurement.chunks.PART_BYTES", 1500)
    stripes = list(cut_stripes(corpus, 2))
    assert len(stripes) > 1
    assert [stripe.start for stripe in stripes] == [0, *np.cumsum([stripe.length for stripe in stripes])[:-1]]
    for stripe in stripes:
        assert len(stripe.parts) > 2
        for lang in ("en", "zh"):
            own = [part for part in stripe.parts if part.lang == lang]
            assert sum(part.length for part in own) == stripe.length
            assert own[0].start == stripe.start
    steps: list[int] = []
    apart = measure([tokenizer], corpus, threads=2, on_step=lambda name, lang, size: steps.append(size))
    for name in ("texts", "counts", "ids", "vocab", "documents", "tokenizers"):
        assert getattr(apart, name).equals(getattr(whole, name), null_equal=True), name
    assert sum(steps) == whole.texts["bytes"].sum()


def test_an_interruption_keeps_what_is_whole(monkeypatch: pytest.MonkeyPatch, made_json: Path) -> None:
    corpus = load_corpus(languages=["en", "zh"], segments=60)
    monkeypatch.setattr("tokbench.measurement.chunks.STRIPE_BYTES", 2000)
    monkeypatch.setattr("tokbench.measurement.chunks.LANGUAGE_BYTES", 0)
    monkeypatch.setattr("tokbench.measurement.chunks.WHOLE_BYTES", 0)
    done: list[str] = []

    def interrupt(name: str, lang: str, size: int) -> None:
        done.append(lang)
        if len(done) == 7:
            raise KeyboardInterrupt

    assert len(list(cut_stripes(corpus))) > 4
    unfinished: list[Unfinished] = []
    arguments = {"throughput": False, "bootstrap": None, "on_interruption": unfinished.append}
    with pytest.raises(KeyboardInterrupt) as caught:
        compare([str(made_json)], corpus, on_step=interrupt, **arguments)
    assert caught.type is KeyboardInterrupt
    (finish,) = unfinished
    result = finish()
    measured = result.measurements
    assert measured is not None
    assert 0 < result.corpus.segments < 60
    assert measured.counts.group_by("lang").len()["len"].to_list() == [result.corpus.segments] * 2
    again = compare([str(made_json)], corpus.select(segments=result.corpus.segments), throughput=False, bootstrap=None)
    assert again.measurements is not None
    assert again.measurements.counts.equals(measured.counts, null_equal=True)

    def at_once(name: str, lang: str, size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare([str(made_json)], corpus, on_step=at_once, **arguments)
    assert unfinished == [finish]


def test_the_guide_shows_what_the_engines_cost() -> None:
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    table = page.partition("| format | engine | load")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    named = {
        "vocab.json + merges.txt": "vocab+merges",
        "`.tiktoken`": "tiktoken",
        "Claude's JSON": "tiktoken.json",
        "RWKV's vocabulary": "rwkv",
    }
    shown, file_format = {}, ""
    for kind, engine, load, encode in rows:
        file_format = named.get(kind, kind) or file_format
        adapter = {"tokenizers": "huggingface", "ahocorasick_rs": "rwkv"}.get(engine.split()[0], engine.split()[0])
        shown[adapter, file_format] = Cost(float(load), float(encode))
    assert shown == {(name, kind): cost for name in ADAPTERS for kind, cost in runs_of(name).items()}


def runs_of(adapter: str) -> dict[str, Cost]:
    return getattr(ADAPTERS[adapter], "RUNS", {})


def test_no_folder_is_remembered_in_a_reason(tmp_path: Path, made_json: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files move: a later reader of the cache would be told of a place where nothing is."""
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path / "cache"))
    asset = find_asset(str(made_json))
    record = _Record(asset, "splintr")
    record.write(Verification("splintr", f"{made_json}: splintr-rs cannot run it (why)"))
    assert record.read() == Verification("splintr", f"{made_json.name}: splintr-rs cannot run it (why)")
