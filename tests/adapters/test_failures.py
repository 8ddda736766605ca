"""What an engine gives up on: one line that names tokenizer and text, and the other tokenizers are kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.made import MAKERS
from tokbench.adapters import EncodedBatch, LoadedTokenizer, Tokenizer, TokenTable, load_tokenizer
from tokbench.adapters._failures import explain_bare, is_engine_failure
from tokbench.adapters.bench.footprint import measure_footprint
from tokbench.adapters.bench.speed import benchmark_engines
from tokbench.adapters.huggingface import printable_bytes
from tokbench.adapters.selection import take_sample, verify
from tokbench.analysis.vocabulary import inspect_vocabulary
from tokbench.catalog.sources import find
from tokbench.errors import EngineError, TokbenchError
from tokbench.measurement import chunks, measure
from tokbench.report.live._encoding import Encoded, Refused, answer
from tokbench.report.live._question import Question

NO_UNKNOWN = "the tokenizer has no unknown token and the text needs one"
WHITESPACE = {"type": "Whitespace"}
BACKTRACKING = r"(?:(?=x)x+)+b|[^b]"
"""Doubles the work with each x, a letter that no trial repeats, that no b follows."""
LONG = "x" * 60 + "c"

MODELS: dict[str, dict[str, Any]] = {
    "unigram": {"type": "Unigram", "unk_id": None, "vocab": [["a", -1.0]], "byte_fallback": False},
    "unigram-bytes": {"type": "Unigram", "unk_id": None, "vocab": [["a", -1.0]], "byte_fallback": True},
    "wordlevel": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "[UNK]"},
    "wordlevel-other": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "<unk>"},
    "wordpiece": {
        "type": "WordPiece",
        "vocab": {"a": 0},
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
    },
    "bpe": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "<unk>"},
}


def save(folder: Path, name: str, model: dict[str, Any], pre_tokenizer: Any, **chunks: Any) -> str:
    empty = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder"))
    document = {"version": "1.0", "added_tokens": [], **empty, "pre_tokenizer": pre_tokenizer, "model": model, **chunks}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return str(path)


def make_without_unknown(folder: Path, name: str = "wordlevel") -> str:
    """A tokenizer that knows the letter a alone."""
    return save(folder, name, MODELS[name], None if name.startswith("unigram") else WHITESPACE)


def make_backtracking(folder: Path, pattern: str = BACKTRACKING) -> str:
    """Byte-level BPE without merges whose regular expression is over its limit in `LONG`."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    model = {"type": "BPE", "vocab": {c: i for i, c in enumerate(printable_bytes())}, "merges": []}
    steps = {"type": "Sequence", "pretokenizers": [split, byte_level]}
    return save(folder, "backtracking", model, steps, decoder=byte_level)


def fail(call: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", MODELS)
def test_unknown_text_without_an_unknown_token(tmp_path: Path, name: str) -> None:
    tokenizer = load_tokenizer(make_without_unknown(tmp_path, name))
    assert tokenizer.encode_batch(["a", "a"]).ids.tolist() == [0, 0]
    calls: list[Callable[[Sequence[str]], object]] = [
        tokenizer.encode_batch,
        tokenizer.count_batch,
        tokenizer.spans,
        tokenizer.encode_with_special,
    ]
    for call in calls:
        error = fail(lambda call=call: call(["a", "aéb\n", "b"]))  # type: ignore[misc]
        assert str(error) == f"{name}: cannot encode 'aéb\\n': {NO_UNKNOWN}; leave the text out"
        assert (error.tokenizer, error.text) == (name, "aéb\n")


def test_a_panic_of_an_engine_names_the_text_that_it_gives_up_on(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(make_backtracking(tmp_path))
    assert tokenizer.encode_batch(["xxb", "c"]).counts.tolist() == [3, 1]
    error = fail(lambda: tokenizer.encode_batch(["xxb", LONG, "c"]))
    assert error.text == LONG
    assert f"backtracking: cannot encode '{'x' * 60}'... of 61 characters: Onig: Regex search error: " in str(error)
    assert f"{tokenizer.engine} gives up on it" in str(error)
    assert fail(lambda: tokenizer.spans([LONG])).text == fail(lambda: tokenizer.count_batch([LONG])).text == LONG


def test_engines_of_ranks_that_give_up(tmp_path: Path) -> None:
    path = make_backtracking(tmp_path)
    error = fail(lambda: load_tokenizer(path, engine="tiktoken").encode_batch(["c", LONG]))
    assert error.text == LONG
    assert "Max limit for backtracking count exceeded; tiktoken==" in str(error)


@pytest.mark.skipif(find_spec("splintr") is None, reason="not installed: splintr-rs")
def test_splintr_runs_no_pattern_beyond_whose_limit_it_drops_text(tmp_path: Path) -> None:
    """It says nothing of its limit: 3 tokens for these 204 bytes."""
    refers_back = make_backtracking(tmp_path, r"(x|xx)+\1b|[^b]")
    text = "ayz" + "x" * 200 + "c"
    with pytest.raises(TokbenchError, match=r"splintr-rs cannot run it \(its pattern refers back"):
        load_tokenizer(refers_back, engine="splintr")
    other = make_backtracking(tmp_path, r"\\1\p{L}++|(x|xx)+b|[^b]")
    assert load_tokenizer(other, engine="splintr").encode_batch([text]).counts.tolist() == [len(text)]


@pytest.mark.parametrize("file_format", ["tokenizer.json", "sentencepiece", "rwkv", "tiktoken.json", "bytes"])
def test_lone_surrogates_are_named_whatever_an_engine_raises(tmp_path: Path, file_format: str) -> None:
    tokenizer = load_tokenizer("utf8" if file_format == "bytes" else str(MAKERS[file_format](tmp_path)))
    error = fail(lambda: tokenizer.encode_batch(["a", "b\ud800"]))
    reason = "it contains a lone surrogate, which is not a character; take it out"
    assert str(error) == f"{tokenizer.name}: cannot encode 'b\\ud800': {reason}"


class Stubborn(LoadedTokenizer):
    """Decodes no 7, and no batch of more than two texts; interrupted by an 8."""

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        if len(texts) > 2:
            raise RuntimeError("too many")
        if "bug" in texts:
            raise KeyError("a fault of ours")
        return EncodedBatch.from_lists([[len(text)] for text in texts])

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        if 8 in batch.ids:
            raise KeyboardInterrupt
        if 7 in batch.ids:
            raise ValueError("seven\nand more")
        return ["" for _ in batch]

    def read_table(self) -> TokenTable:
        return TokenTable.from_tokens([b"?"] * self.vocab_total)


def test_ids_batches_interruptions_and_our_own_faults() -> None:
    tokenizer = Stubborn(find("utf8"), "tokbench", "none", base=9, total=9)
    error = fail(lambda: tokenizer.decode_batch(EncodedBatch.from_lists([[1], [2, 7]])))
    hint = "tokbench gives up on it: leave it out, or name another engine"
    assert str(error) == f"utf8: cannot decode the ids 2 7: seven; {hint}"
    assert fail(lambda: tokenizer.decode([7])).text is None
    assert "utf8: cannot encode these texts: too many" in str(fail(lambda: tokenizer.encode_batch(["a", "b", "c"])))
    with pytest.raises(KeyboardInterrupt):
        tokenizer.decode([8])
    with pytest.raises(KeyError):
        tokenizer.encode_batch(["bug"])
    assert not is_engine_failure(KeyboardInterrupt())
    assert not is_engine_failure(MemoryError())


def test_a_comparison_keeps_the_other_tokenizers(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["a", "a b"], de=["a", "a"])
    paths = [make_without_unknown(tmp_path, "wordpiece"), "utf8", make_without_unknown(tmp_path), "byt5"]
    result = tb.compare(paths, corpus, throughput=False, bootstrap=None)
    assert result.names == ("utf8", "byt5")
    assert [(one.name, one.reason) for one in result.skipped] == [
        (path, f"cannot encode 'a b', segment 1 of en: {NO_UNKNOWN}") for path in (paths[0], paths[2])
    ]
    alone = tb.compare(["utf8", "byt5"], corpus, throughput=False, bootstrap=None)
    assert result.frame.equals(alone.frame)
    assert result.measurements is not None
    assert result.measurements.tokenizers["tokenizer"].to_list() == ["byt5", "utf8"]
    loaded = load_tokenizer(paths[2])
    assert tb.compare([loaded, "utf8"], corpus, throughput=False, bootstrap=None).skipped[0].name == "wordlevel"
    assert fail(lambda: tb.compare(paths, corpus, baseline="wordlevel", throughput=False)).tokenizer == "wordlevel"
    assert fail(lambda: tb.compare(paths[2], corpus, throughput=False)).tokenizer == "wordlevel"


def test_a_tokenizer_that_fails_in_a_later_stripe_is_left_out_wholly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "WHOLE_BYTES", 0)
    monkeypatch.setattr(chunks, "STRIPE_BYTES", 200)
    monkeypatch.setattr(chunks, "LANGUAGE_BYTES", 100)
    rows = ["a"] * 300
    rows[150] = rows[200] = "b"
    corpus = write_corpus(tmp_path / "c", en=rows, de=["a"] * 300)
    tokenizers = [load_tokenizer(make_without_unknown(tmp_path)), load_tokenizer("utf8")]
    told: list[EngineError] = []
    measured = measure(tokenizers, corpus, on_failure=told.append)
    assert [error.fault for error in told] == [f"cannot encode 'b', segment 150 of en: {NO_UNKNOWN}"]
    assert measured.counts.height == 600
    assert measured.vocab["tokenizer"].unique().to_list() == ["utf8"]
    assert fail(lambda: measure(tokenizers, corpus)).fault == told[0].fault


def test_words_alone_may_be_what_an_engine_gives_up_on(tmp_path: Path) -> None:
    """A space before each word is unknown to a model that has none; the texts hold no space."""
    corpus = write_corpus(tmp_path / "c", en=["a"], de=["aa"])
    result = tb.compare(
        ["utf8", make_without_unknown(tmp_path, "unigram")], corpus, metrics=["strr_spaced", "tokens_per_segment"]
    )
    assert result.names == ("utf8",)
    assert result.skipped[0].reason == f"cannot encode ' aa': {NO_UNKNOWN}"
    assert set(result.frame["tokenizer"]) == {"utf8"}
    assert result.measurements is not None
    assert set(result.measurements.counts["tokenizer"]) == {"utf8"}


def test_an_engine_that_gives_up_where_it_is_verified_is_not_exact(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=[LONG], de=["a"])
    asset = find(make_backtracking(tmp_path))
    on_ranks = load_tokenizer(str(asset.files[0]), engine="tiktoken")
    found = verify(on_ranks, load_tokenizer(str(asset.files[0])), take_sample(corpus))
    assert found.reason is not None
    assert "cannot encode 'xxx" in found.reason
    error = fail(lambda: benchmark_engines(asset, corpus, clock=lambda: 0.0))
    assert error.text == LONG


def test_the_memory_of_an_engine_that_gives_up_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TokbenchError, match=r"wordlevel: cannot encode 'The first text\.'"):
        measure_footprint(find(make_without_unknown(tmp_path)), "huggingface", ["a"], growth=(1,), limit=60)


def test_tokens_that_no_text_can_hold_beside_others_are_classified(tmp_path: Path) -> None:
    model = {"type": "WordLevel", "vocab": {"a": 0, "b c": 1}, "unk_token": "[UNK]"}
    tokenizer = load_tokenizer(save(tmp_path, "two", model, WHITESPACE))
    found = inspect_vocabulary(tokenizer, write_corpus(tmp_path / "c", en=["a"], de=["a"]))
    assert found is not None


def test_the_page_shows_the_others(tmp_path: Path) -> None:
    served: dict[str, Tokenizer] = {
        "wordlevel": load_tokenizer(make_without_unknown(tmp_path)),
        "utf8": load_tokenizer("utf8"),
    }
    question = Question.read({"text": "b", "tokenizers": ["wordlevel", "utf8"]})
    refused, encoded = answer(question, served)
    assert refused == Refused("wordlevel", f"cannot encode 'b': {NO_UNKNOWN}; leave the text out")
    assert isinstance(encoded, Encoded)
    assert (encoded.tokens, encoded.first.differs) == (1, (False,))
    second = Question.read({"text": "a", "second": "b", "tokenizers": ["wordlevel"]})
    assert isinstance(answer(second, served)[0], Refused)


@pytest.mark.parametrize("command", ["compare", "bench", "roundtrip", "encode", "explain-diff"])
def test_commands_say_it_in_one_line(tmp_path: Path, command: str) -> None:
    corpus = tmp_path / "c"
    write_corpus(corpus, en=["a b"], de=["a"])
    path = make_without_unknown(tmp_path)
    arguments = {
        "compare": [path, "-c", str(corpus)],
        "bench": [path, "-c", str(corpus)],
        "roundtrip": [path],
        "encode": [path, "a b"],
        "explain-diff": [path, "utf8", "-c", str(corpus)],
    }
    refuse(command, *arguments[command], says="wordlevel: cannot encode '")
    refuse(command, *arguments[command], says=NO_UNKNOWN)


def test_the_command_names_those_that_it_left_out(tmp_path: Path) -> None:
    corpus = tmp_path / "c"
    write_corpus(corpus, en=["a b"], de=["a"])
    path = make_without_unknown(tmp_path)
    quick = ["-c", str(corpus), "--no-throughput", "--resamples", "0"]
    table = run("compare", path, "utf8", *quick)
    assert table.returncode == 0
    reason = f"{path}: cannot encode 'a b', segment 0 of en: {NO_UNKNOWN}"
    assert reason in " ".join(table.stdout.split())
    as_csv = run("compare", path, "utf8", *quick, "-f", "csv")
    assert as_csv.stderr == f"tokbench: not compared: {reason}; leave the text out\n"
    assert "wordlevel" not in as_csv.stdout


def test_the_vocabulary_of_one_without_an_unknown_token_is_shown(tmp_path: Path) -> None:
    done = run("vocab", make_without_unknown(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("error", [Exception("bad"), ValueError("bad")])
def test_bare_exceptions_are_explained(error: Exception) -> None:
    with pytest.raises(tb.TokbenchError, match="explained: bad"), explain_bare(explain, ValueError):
        raise error


@pytest.mark.parametrize("error", [ValueError("bad"), KeyError("bad"), KeyboardInterrupt()])
def test_other_errors_pass(error: BaseException) -> None:
    with pytest.raises(type(error)), explain_bare(explain):
        raise error


def explain(error: Exception) -> tb.TokbenchError:
    return tb.TokbenchError(f"explained: {error}", "mend it")
