"""The command line through its real entry point."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tokbench as tb
from helpers import made
from helpers.commands import USAGE, refuse, run, run_process
from helpers.data import needs_data

posix = pytest.mark.skipif(os.name != "posix", reason="signals, pseudo-terminals and shells are those of POSIX")


@posix
def test_what_was_measured_before_an_interruption_is_shown(tmp_path: Path) -> None:
    """A real SIGINT, once a first stripe of segments is whole."""
    for lang in ("en", "de"):
        (tmp_path / f"{lang}.txt").write_text(f"one two three four five six seven {lang}\n" * 40_000)
    report = tmp_path / "out.json"
    arguments = ["compare", "utf8", "-c", str(tmp_path), "--no-throughput", "--resamples", "0", "-o", str(report)]
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED_RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        _, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    assert "interrupted: the values cover the first" in error
    assert 0 < json.loads(report.read_text())["corpus"]["segments"] < 40_000


@posix
def test_an_interruption_stops_a_loop_around_compare(tmp_path: Path) -> None:
    """A real SIGINT in the first of three comparisons, once a first stripe is whole: none is taken for finished."""
    for lang in ("en", "de"):
        (tmp_path / f"{lang}.txt").write_text(f"one two three four five six seven {lang}\n" * 40_000)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_LOOP, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGINT, done.stderr
    assert done.stdout.splitlines() == ["begun"]
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"


@posix
def test_an_interrupted_cost_shows_no_figures(tmp_path: Path) -> None:
    for lang in ("en", "de"):
        (tmp_path / f"{lang}.txt").write_text(f"one two three four five six seven {lang}\n" * 40_000)
    arguments = ["cost", "utf8", "-c", str(tmp_path), "--model", "70m"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_RUN, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")


INTERRUPTION = """
import os, signal
from tokbench.measurement import _builder as measurement, chunks as parts
parts.STRIPE_BYTES, parts.WHOLE_BYTES = 800_000, 0
stripes, sent = [], []
take, add = measurement.MeasurementBuilder.add, measurement.HistogramSum.add
def take_and_count(self, stripe, texts, results):
    stripes.append(stripe)
    take(self, stripe, texts, results)
def add_and_interrupt(self, histogram):
    add(self, histogram)
    # In the second stripe, between two languages: it is whole or not there.
    if len(stripes) == 2 and not sent:
        sent.append(True)
        os.kill(os.getpid(), signal.SIGINT)
measurement.MeasurementBuilder.add, measurement.HistogramSum.add = take_and_count, add_and_interrupt
"""

INTERRUPTED_RUN = f"""{INTERRUPTION}
from tokbench.__main__ import main
main()
"""

INTERRUPTED_LOOP = f"""{INTERRUPTION}
import sys
import tokbench as tb
for _ in range(3):
    print("begun", flush=True)
    tb.compare(["utf8"], sys.argv[1], throughput=False, bootstrap=None)
    print("finished", flush=True)
"""


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A Moses pair of two segments."""
    (tmp_path / "news.en").write_bytes(b"the quick fox\nthe dog\n")
    (tmp_path / "news.zh").write_bytes("你好，世界\n你好\n".encode())
    return tmp_path / "news"


@pytest.mark.smoke
def test_compare_prints_a_table_as_wide_as_the_pipe(pair: Path) -> None:
    arguments = ("compare", "utf8", "byt5", "rwkv-world", "-c", str(pair), "--baseline", "utf8", "--signature")
    done = run(*arguments, TOKBENCH_TOKENIZERS="", COLUMNS="200")
    assert done.returncode == 0, done.stderr
    header = done.stdout.split("utf8 (floor)")[0]
    for title in ("\u00d7best", "median", "worst", "vocab", "bytes/token", "trip", "MB/s", "engine", "licence"):
        assert f" {title}" in header
    narrow = run(*arguments, TOKBENCH_TOKENIZERS="", COLUMNS="60").stdout
    assert not [word for word in ("bytes/token", "MB/s", "engine") if f" {word}" in narrow.split("->")[0]]
    assert "\ntokbench|tok:utf8@sha256:" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_compare_by_default_ends_with_today_s_tokenizers_and_the_reasons_for_the_rest() -> None:
    done = run("compare", "-n", "1", "-f", "json", "--no-throughput", "--resamples", "0", TOKBENCH_TOKENIZERS="")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert len(document["tokenizers"]) >= 13  # without any file but those of the core's libraries
    assert len(document["corpus"]["languages"]) >= 14
    named = {skipped["name"]: skipped for skipped in document["skipped"]}
    assert {"llama4", "qwen3.5"} <= named.keys()
    assert all(skipped["reason"] and skipped["remedy"] for skipped in named.values())


@pytest.mark.smoke
def test_json_has_the_promised_form(pair: Path) -> None:
    document = json.loads(run("compare", "utf8", "-c", str(pair), "-f", "json").stdout)
    assert list(document) == [
        "signature",
        "corpus",
        "tokenizers",
        "skipped",
        "results",
        "differences",
        "environment",
        "examples",
    ]
    keys = ["tokenizer", "engine", "lang", "metric", "value", "low", "high", "unit", "n"]
    assert all(list(result) == keys for result in document["results"])
    (premium,) = [r for r in document["results"] if r["metric"] == "premium" and r["lang"] == "zh"]
    assert premium["value"] == 21 / 20
    assert premium["n"] == 2


def test_the_same_input_gives_the_same_json_but_for_timings_and_date(pair: Path) -> None:
    documents = [json.loads(run("compare", "utf8", "byt5", "-c", str(pair), "-f", "json").stdout) for _ in range(2)]
    for document in documents:
        del document["environment"]["date"]
        document["results"] = [r for r in document["results"] if r["metric"] != "throughput"]
    assert documents[0] == documents[1]


def test_csv_has_one_row_a_figure(pair: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("compare", "utf8", "-c", str(pair), "-m", "premium", "-f", "csv").stdout))
    )
    assert [(row["lang"], row["value"]) for row in rows] == [("en", "1.0"), ("zh", "1.05")]


@pytest.mark.smoke
def test_outputs_are_written_in_the_format_of_their_ending(pair: Path, tmp_path: Path) -> None:
    names = ["r.json", "r.md", "r.csv", "r.txt"]
    options = [option for name in names for option in ("-o", str(tmp_path / name))]
    done = run("compare", "utf8", "byt5", "-c", str(pair), "--no-throughput", "--by", "language", *options)
    assert done.returncode == 0, done.stderr
    assert tb.load(tmp_path / "r.json").names == ("utf8", "byt5")
    assert "| language | utf8 | byt5 |" in (tmp_path / "r.md").read_text()
    assert (tmp_path / "r.csv").read_text().startswith("tokenizer,engine,lang,metric")
    written = (tmp_path / "r.txt").read_text()
    assert written.startswith("news: 2 languages x 2 segments\n")
    assert "tokbench|tok:utf8@sha256:" in written  # the whole signature
    assert "English (en)" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".r", "r."))) == sorted(names)


@pytest.mark.smoke
def test_encode_shows_boundaries_bytes_and_nothing_invisible() -> None:
    done = run("encode", "utf8", "rwkv-world", "é\x1b[31m!", TOKBENCH_TOKENIZERS="")
    assert done.returncode == 0, done.stderr
    assert "|\\xc3|\\xa9|\\x1b|[|3|1|m|!|" in done.stdout
    assert "\x1b" not in done.stdout
    assert "1 tokens, 1 bytes" in run("encode", "utf8", stdin="a").stdout
    (described, _) = json.loads(run("encode", "utf8", "byt5", "-", "--json", stdin="hé").stdout)
    assert described["ids"] == [104, 195, 169]
    places = {"byte_start": 1, "byte_end": 2, "char_start": 1, "char_end": 2}
    assert described["tokens"][1] == {"id": 195, "bytes": "c3", "text": "\\xc3", **places}
    assert described["decoded"] == "hé"


@pytest.mark.smoke
def test_corpus_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "x.en").write_bytes("\ufeffone\ntwo\ntwo\nfour\n".encode())
    (tmp_path / "x.de").write_bytes("eins\r\n\r\nzw\ufffdi\r\nvier\r\n".encode())
    document = json.loads(run("corpus", str(tmp_path / "x"), "--json").stdout)
    counted = {(row["lang"], row["finding"]): row["count"] for row in document["findings"]}
    assert document["segments"] == 3
    assert document["excluded"] == [{"segment": 1, "reason": "empty in de"}]
    assert counted["de", "replacement"] == 1
    assert counted["de", "crlf"] == 4
    assert counted["en", "bom"] == 1
    table = run("corpus", str(tmp_path / "x")).stdout
    assert "1 segment excluded from all languages" in table
    assert "empty in de" in table


@pytest.mark.smoke
@pytest.mark.parametrize("what", ["tokenizers", "adapters", "metrics", "corpora"])
def test_list(what: str) -> None:
    rows = json.loads(run("list", what, "--json").stdout)
    assert len(rows) >= 1
    table = run("list", what, COLUMNS="2000").stdout.splitlines()
    assert what != "tokenizers" or any("50,277" in line for line in table)
    assert len(table) == len(rows) + 1
    assert [line.split()[0] for line in table[1:]] == [row["name"] for row in rows]


def test_list_says_where_a_tokenizer_is() -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "tokenizers", "--json", TOKBENCH_TOKENIZERS="").stdout)}
    assert rows["mistral-v1"]["here"].startswith("package mistral-common")
    assert rows["bloom"]["here"] is None
    assert rows["gpt-neox-20b"]["licence"] == "Apache-2.0"
    assert "pythia" in rows["gpt-neox-20b"]["aliases"]


def test_an_error_about_a_long_argument_is_cut() -> None:
    done = run("corpus", "tokbench14", "-l", "a" * 5000)
    assert done.returncode == USAGE
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 1500


def test_pull_refuses_an_unknown_name_before_it_downloads_another() -> None:
    done = run("pull", "mistral-v1", "nosuch")
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "no tokenizer is called 'nosuch'" in done.stderr


def test_pull_keeps_what_it_has_when_another_fails() -> None:
    done = run("pull", "hf:no/such", "utf8")
    assert done.returncode == 1
    assert done.stdout.startswith("utf8: ")
    assert done.stderr.startswith("tokbench: hf:no/such is not in the Hugging Face cache: offline")


def test_pull_needs_no_network_for_what_is_here() -> None:
    done = run("pull", "mistral-v1", TOKBENCH_TOKENIZERS="")
    assert done.returncode == 0, done.stderr
    assert "dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055" in done.stdout


@pytest.mark.smoke
def test_version_and_help() -> None:
    assert run("--version").stdout == f"tokbench {tb.__version__}\n"
    for command in ("compare", "encode", "corpus", "list", "pull"):
        assert run(command, "--help").returncode == 0


@pytest.mark.smoke
def test_a_command_is_a_process() -> None:
    done = run_process("encode", "utf8", "-", stdin="h\u00e9")
    assert (done.returncode, done.stderr) == (0, "")
    assert "|h|\\xc3|\\xa9|" in done.stdout
    assert done.stdout == run("encode", "utf8", "-", stdin="h\u00e9").stdout
    refused = run_process("encode", "no-such-tokenizer", "x")
    assert (refused.returncode, refused.stdout) == (USAGE, "")
    assert refused.stderr == run("encode", "no-such-tokenizer", "x").stderr


def test_a_baseline_is_named_as_a_tokenizer_is(pair: Path, tmp_path: Path) -> None:
    path = str(made.make_tokenizer_json(tmp_path))
    for named, baseline, name in (
        ("utf8", "bytes", "utf8"),
        ("utf8", "UTF-8", "utf8"),
        (path, path, tmp_path.name),
        (path, str(tmp_path), tmp_path.name),
    ):
        done = run("compare", named, "byt5", "-c", str(pair), "--baseline", baseline, "-m", "nsl", "-f", "json")
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert document["corpus"]["baseline"] == name
        assert all(r["value"] == 1 for r in document["results"] if r["tokenizer"] == name)
    refuse("compare", "utf8", "-c", str(pair), "--baseline", "rwkv", says="not among the tokenizers")


@posix
@pytest.mark.parametrize("columns", [1, 60, 120])
def test_a_terminal_of_any_width_shows_figures_whole(pair: Path, columns: int) -> None:
    import pty

    arguments = ["compare", "utf8", "byt5", "-c", str(pair), "--baseline", "utf8", "--no-throughput", "-q"]
    table = run(*arguments, COLUMNS="60").stdout.split("vocab\n")[1].split("\n\n")[0]
    figures = {word for word in table.split() if word[0].isdigit()}
    assert {"256", "384"} <= figures
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": str(columns), "NO_COLOR": "1"}
    with subprocess.Popen([sys.executable, "-m", "tokbench", *arguments], stdout=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        while chunk := read_terminal(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    assert "\u2026" not in shown.decode()
    assert figures <= set(shown.decode().split())
    if columns >= 60:
        assert max(map(len, shown.decode().splitlines())) <= columns


def read_terminal(descriptor: int) -> bytes:
    """What there is to read; nothing once the other side has gone, which is an error on Linux."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


@pytest.mark.smoke
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device: it is Linux that has one")
def test_output_that_cannot_be_written_is_one_line(pair: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tokbench", "compare", "utf8", "-c", str(pair), "-f", "json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    closed = f"{sys.executable} -m tokbench compare utf8 -c {pair} >&-"
    done = subprocess.run(["bash", "-c", closed], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


@posix
def test_an_argument_that_is_no_text_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tokbench", "encode", "utf8", b"a\xff"], capture_output=True, check=False
    )
    assert done.returncode == USAGE
    assert done.stderr == b"tokbench: the text is not UTF-8 at character 1; convert it first\n"


@pytest.mark.smoke
def test_unknown_names_are_answered_with_the_nearest(pair: Path) -> None:
    refuse("compare", "gpt-neox-20", "-c", str(pair), says="did you mean 'gpt-neox-20b'")
    refuse("compare", "utf8", "-c", str(pair), "-l", "en,zhh", says="did you mean 'zh'")
    refuse("compare", "utf8", "-c", str(pair), "-m", "premum", says="did you mean 'premium'")
    refuse("compare", "utf8", "-c", str(pair), "-f", "marked", says="did you mean 'markdown'")
    refuse("compare", "utf8", "-c", "tokbench15", says="tokbench14")


def test_missing_things_are_refused(pair: Path, tmp_path: Path) -> None:
    refuse("compare", "./missing.json", "-c", str(pair), says="missing.json")
    refuse("compare", "utf8", "-c", str(tmp_path / "none"), says=str(tmp_path / "none"))
    refuse("compare", "bloom", "-c", str(pair), says="bloom is not available here")
    refuse("encode", "utf8", "-", stdin=b"\xff", says="standard input is not UTF-8")


@pytest.mark.smoke
def test_unusable_corpora_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ragged.en").write_bytes(b"one\ntwo\n")
    (tmp_path / "ragged.de").write_bytes(b"eins\n")
    refuse("compare", "utf8", "-c", str(tmp_path / "ragged"), says="ragged.")
    (tmp_path / "empty.en").write_bytes(b"\n")
    (tmp_path / "empty.de").write_bytes(b"\n")
    refuse("compare", "utf8", "-c", str(tmp_path / "empty"), says="empty")
    (tmp_path / "bad.en").write_bytes(b"one\n\xff\n")
    (tmp_path / "bad.de").write_bytes(b"eins\nzwei\n")
    refuse("compare", "utf8", "-c", str(tmp_path / "bad"), says="bad.en:2: not UTF-8")


def test_broken_tokenizers_are_refused(pair: Path, tmp_path: Path) -> None:
    broken = made.make_tokenizer_json(tmp_path)
    broken.write_bytes(broken.read_bytes()[:500])
    refuse("compare", str(broken), "-c", str(pair), says=str(broken))
    model = made.make_sentencepiece(tmp_path)
    model.write_bytes(model.read_bytes()[:-100])
    refuse("compare", str(model), "-c", str(pair), says=str(model))


@needs_data
def test_a_wrong_hash_is_refused(pair: Path, tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "llama").mkdir()
    content = bytearray((shared_data / "tokenizers" / "llama" / "tokenizer.model").read_bytes())
    content[200] ^= 1
    (tmp_path / "llama" / "tokenizer.model").write_bytes(content)
    done = run("compare", "llama", "-c", str(pair), TOKBENCH_TOKENIZERS=str(tmp_path))
    assert done.returncode == USAGE
    assert "sha256" in done.stderr
    assert "9e556afd" in done.stderr


def test_what_may_not_be_read_or_written_is_refused(pair: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "vocab.txt").touch()
    closed.chmod(0)
    try:
        if os.access(closed, os.R_OK):
            pytest.skip("this user may read everything")
        refuse("compare", str(closed), "-c", str(pair), says="cannot be read: Permission denied")
        refuse("compare", str(closed / "vocab.txt"), "-c", str(pair), says="cannot be read: Permission denied")
        refuse("compare", "utf8", "-c", str(closed), says="Permission denied")
        refuse("compare", "utf8", "-c", str(pair), "-o", str(closed / "r.json"), says="no permission")
        done = run("encode", "gpt2", "x", TOKBENCH_TOKENIZERS=str(closed))
        assert done.returncode == USAGE
        assert "Permission denied" in done.stderr
    finally:
        closed.chmod(0o700)


def test_outputs_are_checked_before_anything_is_measured(pair: Path, tmp_path: Path) -> None:
    refuse(
        "compare",
        "no-such-tokenizer",
        "-c",
        str(pair),
        "-o",
        str(tmp_path / "no" / "r.json"),
        says="there is no folder",
    )
    refuse("compare", "no-such-tokenizer", "-c", str(pair), "-o", str(tmp_path / "r.docx"), says="by its extension")
    refuse("compare", "no-such-tokenizer", "-c", str(pair), "-o", str(tmp_path), says="extension")


@posix
def test_a_reader_that_leaves_is_no_error(pair: Path) -> None:
    command = f"{sys.executable} -m tokbench list metrics | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
