"""Saved comparisons: what was damaged is found, with its place; a folder is written whole or not at all."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse
from helpers.comparisons import make_comparison
from tokbench.comparison import Comparison
from tokbench.measurement.saved import LISTING, SCHEMAS, format_files
from tokbench.report import render, render_all

NUMBERS = (None, True, -1, 0, 2**53, 2**64, 10**400, 0.5, -1e308, 5e-324)
EXTREMES: tuple[Any, ...] = (*NUMBERS, "", "x" * 300, "\x1b]0;x\x07", "\ud800", [], [[]], {}, {"a": 1})


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return make_comparison(tmp_path_factory.mktemp("saved"))


@pytest.fixture(scope="module")
def document(result: Comparison) -> dict[str, Any]:
    return dict(json.loads(render(result, "json")))


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def load_changed(document: dict[str, Any], path: Path) -> Comparison:
    path.write_text(json.dumps(document))
    return tb.load(path)


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("corpus", "segments"), "two", r"Expected `int`, got `str` - at `\$\.corpus\.segments`"),
        (("corpus", "segments"), -2, r"-2 is not a count - at `\$\.corpus\.segments`"),
        (("corpus", "languages"), [], r"no language - at `\$\.corpus\.languages`"),
        (("corpus", "languages"), ["en", "en"], r"'en' 2 times - at `\$\.corpus\.languages`"),
        (("corpus", "reference"), "xx", r"'xx' is not in this comparison - at `\$\.corpus\.reference`"),
        (("corpus", "baseline"), "xx", r"'xx' is not in this comparison - at `\$\.corpus\.baseline`"),
        (("corpus", "bootstrap"), "x", r"not RESAMPLES/METHOD/UNIT/seedSEED - at `\$\.corpus\.bootstrap`"),
        (("tokenizers",), [], r"no tokenizer - at `\$\.tokenizers`"),
        (("tokenizers", 1, "name"), "utf8", r"'utf8' 2 times - at `\$\.tokenizers`"),
        (("tokenizers", 1, "vocab_base"), 2**60, r"is not a count - at `\$\.tokenizers\[1\]`"),
        (("tokenizers", 1, "lossy_segments"), {"xx": 1}, r"'xx' is not in .*lossy_segments"),
        (("results", 3, "metric"), "nonsense", r"'nonsense' is not in this comparison - at `\$\.results\[3\]\.metric`"),
        (("results", 3, "value"), [1.0], r"Expected `float \| null`, got `array` - at `\$\.results\[3\]\.value`"),
        (("results", 3, "n"), -1, r"-1 is not a count - at `\$\.results\[3\]\.n`"),
        (("differences", 0, "baseline"), "xx", r"at `\$\.differences\[0\]\.baseline`"),
        (("examples", 0, "cuts", 0, "ids"), [1], r"1 ids and \d+ pieces - at `\$\.examples\[0\]\.cuts`"),
        (("examples", 0, "cuts", 0, "pieces", 0), "zz", r"'zz' is not bytes in hexadecimal"),
        (("environment", "libraries"), {"polars": 1}, r"at `\$\.environment\.libraries\[\.\.\.\]`"),
        (("corpus", "sha256"), "f" * 64, r"the signature does not match the other fields"),
    ],
)
def test_the_place_of_a_fault_is_named(
    document: dict[str, Any], tmp_path: Path, place: tuple[str | int, ...], value: object, says: str
) -> None:
    changed: Any = deepcopy(document)
    at = changed
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    with pytest.raises(tb.TokbenchError, match=says):
        load_changed(changed, tmp_path / "r.json")


@pytest.mark.parametrize("field", ["signature", "corpus", "tokenizers", "results", "environment", "examples"])
def test_a_field_that_is_missing_is_named(document: dict[str, Any], tmp_path: Path, field: str) -> None:
    with pytest.raises(tb.TokbenchError, match=f"missing required field `{field}`"):
        load_changed({key: value for key, value in document.items() if key != field}, tmp_path / "r.json")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b"\xff\xfe{}", b"null", b'{"a": NaN}', b'{"results": [{"value": 1e999}]}']
)
def test_what_is_no_document_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.json").write_bytes(content)
    with pytest.raises(tb.TokbenchError, match=r"r\.json: not a saved comparison \("):
        tb.load(tmp_path / "r.json")


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*at, key)
        yield from places(inner, (*at, key))


def test_any_one_change_is_refused_or_shown(document: dict[str, Any], tmp_path: Path) -> None:
    """A changed document is refused in one line, or every report of it can be written."""
    draw = random.Random(14)
    everywhere = list(places(document))
    refusals: list[str] = []
    shown = 0
    for _ in range(250):
        changed: Any = deepcopy(document)
        *path, last = draw.choice(everywhere)
        at = changed
        for key in path:
            at = at[key]
        if draw.random() < 0.2:
            del at[last]
        else:
            at[last] = draw.choice(EXTREMES)
        try:
            loaded = load_changed(changed, tmp_path / "r.json")
        except tb.TokbenchError as error:
            refusals.append(str(error))
            continue
        shown += 1
        for shape in ("table", "markdown", "json", "csv", "latex"):
            render_all({"r": loaded}, shape)
    assert shown > 20
    assert not any("\n" in refusal for refusal in refusals)


def test_a_folder_comes_back_as_it_was(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "a" / "b")
    result.save(tmp_path / "a" / "b")  # an earlier result is replaced
    again = tb.load(tmp_path / "a" / "b")
    assert again.to_document() == result.to_document()
    assert again.measurements is not None
    assert result.measurements is not None
    for name in SCHEMAS:
        assert getattr(again.measurements, name).equals(getattr(result.measurements, name))
    assert list_names(tmp_path / "a") == ["b"]


def test_a_folder_with_other_files_is_left_alone(result: Comparison, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(tb.TokbenchError, match=r"it holds other files \(thesis\.txt\)"):
        result.save(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(tb.TokbenchError, match="it is a file"):
        result.save(tmp_path / "file")
    assert list_names(tmp_path) == ["file", "thesis.txt"]


def test_a_folder_is_written_whole_or_not_at_all(
    result: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "r"
    result.save(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_bytes = Path.write_bytes

    def fill_disk(path: Path, content: bytes) -> int:
        if path.name == "vocab.parquet":
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill_disk)
    with pytest.raises(tb.TokbenchError, match="No space left on device"):
        result.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list_names(tmp_path) == ["r"]


@pytest.mark.parametrize("name", [f"{name}.parquet" for name in SCHEMAS])
def test_a_byte_that_changed_in_the_counts_is_found(result: Comparison, tmp_path: Path, name: str) -> None:
    result.save(tmp_path / "r")
    file = tmp_path / "r" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(tb.TokbenchError, match=f"{name}: changed since it was saved"):
        tb.load(tmp_path / "r")


def test_counts_of_another_comparison_are_refused(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "r")
    other = tb.compare(["byt5"], {"en": ["a"]}, throughput=False)
    assert other.measurements is not None
    other.measurements.save(tmp_path / "r")
    with pytest.raises(tb.TokbenchError, match="its counts are of other tokenizers or languages"):
        tb.load(tmp_path / "r")
    (tmp_path / "r" / LISTING).write_text("[]")
    with pytest.raises(tb.TokbenchError, match="not a list of hashes"):
        tb.load(tmp_path / "r")
    (tmp_path / "r" / LISTING).unlink()
    with pytest.raises(tb.TokbenchError, match="cannot read"):
        tb.load(tmp_path / "r")


def test_frames_of_another_shape_are_refused(result: Comparison, tmp_path: Path) -> None:
    assert result.measurements is not None
    files = result.measurements.to_files()
    frames = {name: pl.read_parquet(files[f"{name}.parquet"]) for name in SCHEMAS}
    wrong = format_files({**frames, "texts": frames["texts"].rename({"bytes": "octets"})})
    result.save(tmp_path / "r")
    for name, content in wrong.items():
        (tmp_path / "r" / name).write_bytes(content)
    with pytest.raises(tb.TokbenchError, match=r"texts\.parquet: unexpected columns"):
        tb.load(tmp_path / "r")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_pipes_are_not_waited_for(result: Comparison, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.json")
    refuse("diff", str(tmp_path / "r.json"), str(tmp_path / "r.json"), says="is a pipe, not a regular file")
    result.save(tmp_path / "r")
    (tmp_path / "r" / "ids.parquet").unlink()
    os.mkfifo(tmp_path / "r" / "ids.parquet")
    refuse("diff", str(tmp_path / "r"), str(tmp_path / "r"), says="ids.parquet is a pipe")


def test_a_link_to_itself_is_one_line(tmp_path: Path) -> None:
    link = tmp_path / "r.json"
    link.symlink_to(link)
    refuse("report", str(link), "-o", str(tmp_path / "r.md"), says="cannot read")


def test_timings_nested_too_deeply_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text('{"timings": ' + "[" * 100_000)
    refuse("cost", "utf8", "-n", "1", "--timings", str(file), says="no timings")
