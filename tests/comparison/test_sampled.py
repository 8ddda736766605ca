"""Samples of streams: schedule, stopping, what they give, and what is said of them."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import polars as pl
import pytest

from tests.helpers.commands import refuse, run
from tokbench.comparison import Comparison, compare
from tokbench.comparison._sampled import draw_until_narrow, find_next_size
from tokbench.comparison.saved import load
from tokbench.corpora import Shard
from tokbench.corpora._sampling import PIECE_BYTES, Drawing, Piece, Stratum
from tokbench.errors import CorpusWarning, TokbenchError
from tokbench.metrics import DEFAULT_METRICS, find_metrics
from tokbench.metrics.precision import drop_certainty, find_wide, is_sampleable, list_looked_at
from tokbench.metrics.resampling import Bootstrap

METRICS = ["tokens_per_segment", "chars_per_token", "utilisation_at_10k"]


def draw(labels: dict[str, int], wide: list[dict[str | None, float]]) -> list[dict[str, int]]:
    """Return how many pieces of each stratum each round draws, if intervals are so much too wide after each."""
    drawings = [
        Drawing(Stratum(label, [Shard(0, label, label, "text", 0, n, n)], lambda s: (s.start, s.end), 1), 0)
        for label, n in labels.items()
    ]
    rounds: list[dict[str, int]] = []

    def measure(pieces: dict[str, list[Piece]]) -> None:
        rounds.append({label: len(own) for label, own in pieces.items()})

    looks = iter(wide)
    assert draw_until_narrow(drawings, measure, lambda changed: next(looks)) == len(rounds)
    return rounds


# Sizes are 64 * 1.1^k: 64, 70, 77, 85, 94, 103, 113, 125, 137, 151, 166, 183, 201, 221, 243, 267.
def test_only_what_is_wide_is_drawn_from() -> None:
    rounds = draw({"a": 10_000, "b": 10_000}, [{"a": 1.01, "b": 1.2}, {"a": 1.5}, {"a": 9.0}, {}])
    assert rounds == [{"a": 64, "b": 64}, {"a": 6, "b": 13}, {"a": 137 - 70}, {"a": 573 - 137}]


def test_all_are_drawn_from_while_all_together_is_wide() -> None:
    rounds = draw({"a": 10_000, "b": 10_000}, [{"a": 1.1}, {None: 1.5}, {}])
    assert rounds == [{"a": 64, "b": 64}, {"a": 6}, {"a": 137 - 70, "b": 125 - 64}]


def test_what_is_exhausted_was_read_in_full() -> None:
    rounds = draw({"a": 70, "b": 100}, [{"a": 1.3, "b": 1.3}, {"b": 2.0}])
    assert rounds == [{"a": 64, "b": 64}, {"a": 6, "b": 30}, {"b": 6}]


def test_groups_by_record_are_one_stratum() -> None:
    assert draw({"": 10_000}, [{"en": 1.01, "de": 1.2}, {"de": 1.01}, {}]) == [{"": 64}, {"": 13}, {"": 8}]


def test_sizes_grow_by_what_seems_to_be_needed() -> None:
    assert [find_next_size(64, excess) for excess in (1.0001, 1.12, 1.3, 1.5, 2.0, 3.0, 100.0)] == [
        *(70, 70, 94, 125, 221, 267, 267)  # 64 * 0.8 * excess^2, at most 64 * 4
    ]


def test_half_widths_are_relative_and_those_of_shares_absolute() -> None:
    values = pl.DataFrame(
        [
            ("t", "a", "bytes_per_token", 4.0, 3.96, 4.04),
            ("t", "b", "bytes_per_token", 4.0, 3.95, 4.04),
            ("t", "a", "unk_rate", 0.001, 0.0, 0.01),
            ("t", "b", "unk_rate", 0.001, 0.0, 0.03),
            ("t", "b", "fertility", None, None, None),
            ("t", "a", "nsl", 1.0, 1.0, 1.0),
        ],
        schema=["tokenizer", "lang", "metric", "value", "low", "high"],
        orient="row",
    )
    wide = find_wide(values, find_metrics(["bytes_per_token", "unk_rate", "fertility", "nsl"]), 0.0101)
    assert wide.select("lang", "metric").rows() == [("b", "bytes_per_token"), ("b", "unk_rate")]
    assert wide["reach"].to_list() == [pytest.approx(0.045 / 4), pytest.approx(0.015)]


def test_what_no_piece_has_is_not_certain() -> None:
    columns = ["metric", "value", "low", "high"]
    rows = [
        ("unk_rate", 0.0, 0.0, 0.0),
        ("round_trip_exact", 1.0, 1.0, 1.0),
        ("round_trip_exact", 0.5, 0.5, 0.5),
        ("unk_rate", 0.0, None, None),
        ("nsl", 1.0, 1.0, 1.0),
    ]
    found = drop_certainty(
        pl.DataFrame(rows, schema=columns, orient="row"), find_metrics(["unk_rate", "round_trip_exact", "nsl"])
    )
    assert found.rows() == [(*rows[0][:2], None, None), (*rows[1][:2], None, None), *rows[2:]]


def test_what_grows_with_the_text_is_not_sampled() -> None:
    growing = {m.name for m in find_metrics(DEFAULT_METRICS) if not is_sampleable(m)}
    assert growing == {
        *("entropy", "entropy_miller_madow", "bits_per_byte_entropy", "renyi_efficiency_observed", "utilisation"),
        *("type_token_ratio", "token_bytes_max", "token_chars_max"),
    }
    looked_at = {m.name for m in list_looked_at(find_metrics(DEFAULT_METRICS))}
    assert {"bytes_per_token", "utilisation_at_10k", "renyi_efficiency"} <= looked_at
    assert not looked_at & {*growing, "entropy_at_10k", "premium", "gini", "vocab_total", "throughput"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write two groups: one of equal lines, one whose lines differ much and lie together."""
    folder = tmp_path_factory.mktemp("stream")
    pick = random.Random(0)
    even = ("".join(pick.choices("abcdefgh \u00e9\u00fc", k=pick.randint(40, 60))) for _ in range(12_000))
    (folder / "even.txt").write_text("".join(f"a{line}\n" for line in even), encoding="utf-8")
    rough = []
    for _ in range(900):
        letters, length = pick.choice(["abcd ", "\u00e4\u00f6\u00fc ", "\u4e2d\u6587\u5b57"]), pick.randint(5, 60)
        rough += ["x" + "".join(pick.choices(letters, k=length)) for _ in range(10)]
    (folder / "rough.txt").write_text("\n".join(rough) + "\n", encoding="utf-8")
    return f"{folder}/*.txt:format=text,group=file"


def sample(source: str, precision: float | None = 0.1, seed: int = 0, **more: object) -> Comparison:
    return compare(
        ["utf8", "utf16"] if more.pop("two", False) else ["utf8"],
        source,
        metrics=METRICS[:2],
        bootstrap=Bootstrap(200, seed),
        precision=precision,
        throughput=False,
        **more,  # type: ignore[arg-type]
    )


def pick(result: Comparison, metric: str, lang: str | None) -> dict[str, float]:
    (row,) = result.frame.filter(pl.col("metric") == metric, pl.col("lang").eq_missing(pl.lit(lang))).to_dicts()
    return row


def test_a_sample_is_as_precise_as_asked(source: str) -> None:
    found, whole = sample(source, 0.06), sample(source, None)
    facts = found.corpus.sample
    assert facts is not None
    assert whole.corpus.sample is None
    assert facts.bytes < 0.9 * facts.of_bytes
    assert 0 <= facts.pieces * PIECE_BYTES - facts.bytes < 2 * PIECE_BYTES  # the last piece of a file is shorter
    assert facts.of_bytes == sum(path.stat().st_size for path in Path(source.partition("*")[0]).iterdir())
    assert facts.rounds > 1
    for metric in METRICS[:2]:
        for lang in ("even", "rough", None):
            row = pick(found, metric, lang)
            assert 0 < row["high"] - row["low"] <= 2 * 0.06 * row["value"]
            assert row["low"] < pick(whole, metric, lang)["value"] < row["high"]
    # The group that varies more is read in greater part; all together is nevertheless that of the whole source.
    sizes = {lang: found.corpus.sizes[lang] / whole.corpus.sizes[lang] for lang in ("even", "rough")}
    assert 1 > sizes["rough"] > 1.3 * sizes["even"]


def test_seeds_draw_different_samples(source: str) -> None:
    one, again, other = (sample(source, seed=seed) for seed in (0, 0, 1))
    assert one.frame.equals(again.frame)
    assert one.corpus.sha256 == again.corpus.sha256 != other.corpus.sha256
    assert one.signature() == again.signature()
    assert "|samp:0.1/seed0/" in one.signature()
    assert "|samp:0.1/seed1/" in other.signature()
    assert "|boot:200/percentile/pieces/seed0|" in one.signature()


def test_a_source_that_is_exhausted_gives_the_values_of_the_pass(source: str) -> None:
    found, whole = sample(source, 0.0005), sample(source, None)
    assert found.corpus.sample is not None
    assert found.corpus.sample.whole
    assert found.corpus.sample.bytes == found.corpus.sample.of_bytes
    columns = ["tokenizer", "lang", "metric", "value", "n"]
    assert found.frame.select(columns).equals(whole.frame.select(columns))
    assert found.corpus.segments == whole.corpus.segments


def test_a_sample_is_saved_and_loaded(source: str, tmp_path: Path) -> None:
    found = sample(source)
    (tmp_path / "saved").mkdir()
    found.save(tmp_path / "saved")
    assert load(tmp_path / "saved").corpus.sample == found.corpus.sample


def test_what_a_sample_cannot_give_takes_the_whole_source(source: str) -> None:
    with pytest.warns(CorpusWarning, match=r"^utilisation cannot be known from a sample: all of .* is read$"):
        found = compare("utf8", source, metrics=["utilisation"], precision=0.1, bootstrap=Bootstrap(100))
    assert found.corpus.sample is None
    with pytest.warns(CorpusWarning, match=r"^without entropy, entropy_miller_madow, .*; to read all, name one by -m$"):
        found = compare("utf8", source, precision=0.2, bootstrap=Bootstrap(100), throughput=False)
    assert found.corpus.sample is not None
    assert not {"entropy", "utilisation"} & {*found.frame["metric"]}
    assert "utilisation_at_10k" in found.frame["metric"]


def test_compressed_files_are_drawn_whole(tmp_path: Path) -> None:
    for number in range(70):
        lines = "".join(f"text {number} {line}\n" for line in range(number + 1))
        (tmp_path / f"{number:02}.txt.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    found = compare(
        "utf8", f"{tmp_path}/*.txt.gz:format=text,label=all", metrics="bytes_per_token", precision=0.2, throughput=False
    )
    assert found.corpus.sample is not None
    assert (found.corpus.sample.pieces, found.corpus.sample.of_pieces) == (64, 70)


def test_a_piece_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    lines = [b"a line of text\n"] * 30_000
    lines[20_000] = b"a \xff of text\n"
    (tmp_path / "a.txt").write_bytes(b"".join(lines))
    found = compare("utf8", f"{tmp_path}/a.txt:stream=yes", metrics="bytes_per_token", precision=0.001)
    assert found.corpus.sample is not None
    assert (found.corpus.sample.pieces, found.corpus.sample.of_pieces) == (64, 110)
    assert list(found.corpus.missing) == ["a.txt from 299,008"]
    assert "not UTF-8: byte 0xFF at byte 300,002" in found.corpus.missing["a.txt from 299,008"]


def test_the_screen_says_what_was_read(source: str) -> None:
    result = run("compare", "utf8", "-c", source, "-m", METRICS[0], "--precision", "10%", "--resamples", "200")
    assert result.returncode == 0
    assert " of 1.3 MB (" in result.stdout
    assert " %) for ±10 %: " in result.stdout
    assert "over all groups: each by its share of the source" in result.stdout


@pytest.mark.parametrize("said", ["0", "0%", "1", "60%", "abc", "-1%", "1%%", "nan", "1e-9", "%", "٣%"])
def test_a_precision_that_is_none_is_one_line(source: str, said: str) -> None:
    refuse("compare", "utf8", "-c", source, f"--precision={said}", says="use a share such as 1% or 0.01, from 0.01% to")


def test_a_precision_needs_a_stream_and_intervals(source: str) -> None:
    asked = ["--precision", "1%"]
    refuse("compare", "utf8", *asked, says="precision is for streams, and tokbench14 is read as a whole")
    refuse(
        "compare", "utf8", "-c", source, *asked, "-m", METRICS[0], "--resamples", "0", says="leave out --resamples 0"
    )
    more = ["-m", METRICS[0], *asked, "--executor", "local"]
    refuse("compare", "utf8", "-c", source, *more, says="executor is for a pass")
    with pytest.raises(TokbenchError, match="the precision is 2"):
        sample(source, 2)
