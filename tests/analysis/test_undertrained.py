"""Under-trained tokens: values worked out by hand, rows planted in random matrices, and a model that can be asked."""

from __future__ import annotations

import csv
import io
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import made
from helpers.commands import refuse, run
from helpers.data import needs_data
from helpers.embeddings import draw, write_model
from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.analysis.vocabulary import CLASSES, Indicator, Reach, Reference, find_undertrained
from tokbench.analysis.vocabulary._embedding_rows import average_rows, measure_distances, measure_norms, measure_spread
from tokbench.analysis.vocabulary._undertrained import classify_rows, find_threshold
from tokbench.cli._undertrained import IndicatorName, ReferenceName
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.embeddings import Matrix, open_embeddings
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.measure.repetition import Repetition, Template, build_templates, measure_repetition
from tokbench.pythia.model.architecture import Architecture

pytestmark = pytest.mark.skipif(find_spec("safetensors") is None, reason="not installed: safetensors")
needs_ctranslate2 = pytest.mark.skipif(find_spec("ctranslate2") is None, reason="not installed: ctranslate2")

NEOX = ("gpt_neox.embed_in.weight", "embed_out.weight")
ROWS, WIDTH, PADDING = 448, 48, 10


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return load_tokenizer(str(made.make_tokenizer_json(tmp_path_factory.mktemp("tokenizer"))))


def matrix(values: Any) -> Matrix:
    stored = np.array(values, dtype=np.float32)
    return Matrix("m", Path("m"), "float32", stored.shape[1], stored, lambda rows: rows)


# ---- the arithmetic


def test_norms_means_and_distances_by_hand() -> None:
    rows = matrix([[3, 4], [0, 2], [0, 0], [-6, 0], [0, -1]])
    assert measure_norms(rows).tolist() == [5, 2, 0, 6, 1]
    assert average_rows(rows, np.array([0, 3])).tolist() == [-1.5, 2]
    plain, without = measure_distances(rows, np.array([1]), np.array([1.0, 0.0]))
    assert np.allclose(plain, [1 - 0.8, 0, np.nan, 1, 2], equal_nan=True)
    # Without the first axis, (3, 4) is (0, 4), and (-6, 0) has no direction left.
    assert np.allclose(without, [0, 0, np.nan, np.nan, 2], equal_nan=True)


def test_reference_rows_are_compared_with_the_others() -> None:
    values, reference = draw(30, 8, 4), np.array([2, 7, 19, 28])
    axis = draw(1, 8, 5)[0].astype(np.float64)
    axis /= np.linalg.norm(axis)
    projected = values - np.outer(values @ axis, axis)
    for found, rows in zip(measure_distances(matrix(values), reference, axis), (values, projected), strict=True):
        for i, row in enumerate(rows):
            mean = rows[reference[reference != i]].mean(axis=0)
            assert found[i] == pytest.approx(1 - row @ mean / np.linalg.norm(row) / np.linalg.norm(mean), abs=1e-6)


def test_the_first_component_is_that_of_numpys_decomposition() -> None:
    values = draw(60, 12, 3) @ np.diag(np.arange(1, 13)).astype(np.float32) + 5
    spread = measure_spread(matrix(values))
    _, _, axes = np.linalg.svd(values - values.mean(axis=0))
    assert abs(float(axes[0] @ spread.component)) == pytest.approx(1, abs=1e-5)
    assert spread.mean == pytest.approx(values.mean(axis=0), rel=1e-6)
    assert spread.norms == pytest.approx(np.linalg.norm(values, axis=1), rel=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = matrix(draw(50, 8))
    whole = measure_spread(rows)
    monkeypatch.setattr("tokbench.pythia.formats.embeddings._BLOCK", 24)  # three rows
    assert len(list(rows.read_blocks())) == 17
    parts = measure_spread(rows)
    assert parts.norms == pytest.approx(whole.norms)
    assert abs(float(parts.component @ whole.component)) == pytest.approx(1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_refused(value: float) -> None:
    values = draw(50, 8)
    values[7, 3] = values[9, 0] = value
    for measure in (measure_norms, measure_spread):
        with pytest.raises(TokbenchError, match=r"row 7 of the tensor m holds values that are not finite.* 1 others"):
            measure(matrix(values))


@given(st.lists(st.floats(0, 2), min_size=1), st.floats(0.0001, 0.5))
def test_the_threshold_is_the_last_value_of_the_lowest_share(values: list[float], share: float) -> None:
    threshold = find_threshold(np.array([*values, np.nan]), share)
    below = sum(value <= threshold for value in values)
    assert below >= share * len(values)
    assert sum(value < threshold for value in values) < share * len(values)


# ---- rows by class


def test_every_row_has_one_class(tokenizer: Tokenizer) -> None:
    rows = classify_rows(tokenizer, ROWS)
    counts = dict(rows.group_by("class").len().iter_rows())
    assert rows["id"].to_list() == list(range(ROWS))
    assert counts["special"] == 1
    assert counts["padding"] == ROWS - tokenizer.vocab_total
    assert counts["impossible"] == 13
    assert sum(counts.values()) == ROWS
    assert (
        rows.filter(pl.col("class").is_in(["special", "padding"]))["bytes"].null_count()
        == counts["special"] + (counts["padding"])
    )
    with pytest.raises(TokbenchError, match=r"the weights have 200 rows, but .* has ids up to"):
        classify_rows(tokenizer, 200)


# ---- planted rows


def plant(folder: Path, tokenizer: Tokenizer, seed: int, *, tied: bool = False, rows: int = ROWS) -> list[int]:
    """A checkpoint in which five reachable tokens look like rows that no text trains."""
    classes = classify_rows(tokenizer, rows)
    reachable = classes.filter(pl.col("class") == "reachable")["id"].to_numpy()
    padding = classes.filter(pl.col("class") == "padding")["id"].to_numpy()
    if not len(padding):
        padding = classes.filter(pl.col("class") == "impossible")["id"].to_numpy()
    weak = np.sort(np.random.default_rng(seed).choice(reachable, 5, replace=False))
    inputs, outputs = draw(rows, WIDTH, seed), draw(rows, WIDTH, seed + 1000)
    inputs[[*weak, *padding]] *= 0.3
    direction, axis = draw(2, WIDTH, seed + 2000)
    outputs += 2 * draw(rows, 1, seed + 3000) * axis  # what most rows differ in: the first principal component
    outputs[[*weak, *padding]] = 0.3 * outputs[[*weak, *padding]] + direction
    tensors = {NEOX[0]: outputs} if tied else dict(zip(NEOX, (inputs, outputs), strict=True))
    write_model(folder, tensors, "F16")
    return [int(number) for number in weak]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tied", [False, True])
def test_planted_rows_are_found_and_no_others(seed: int, tied: bool, tmp_path: Path, tokenizer: Tokenizer) -> None:
    weak = plant(tmp_path, tokenizer, seed, tied=tied)
    embeddings = open_embeddings(tmp_path)
    indicators = [one for one in Indicator if not (tied and one is Indicator.INPUT_NORM)]
    for indicator in indicators:
        found = find_undertrained(tokenizer, embeddings, indicator=indicator)
        assert found.reference is Reference.PADDING
        assert found.separates
        assert set(weak) <= set(found.candidates()["id"])
        alike = found.rows.filter("like_reference")
        assert sorted(alike.filter(pl.col("class") == "reachable")["id"]) == weak
        assert alike.filter(pl.col("class") == "padding").height == ROWS - tokenizer.vocab_total
    default = find_undertrained(tokenizer, embeddings)
    assert default.indicator is (Indicator.COSINE if tied else Indicator.INPUT_NORM)
    assert default.rows["input_norm"].null_count() == (ROWS if tied else 0)


def test_without_padding_rows_others_that_no_text_trains_are_the_reference(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    total = tokenizer.vocab_total
    weak = plant(tmp_path, tokenizer, 3, rows=total)
    found = find_undertrained(tokenizer, open_embeddings(tmp_path), reference=Reference.BYTES)
    assert found.available[Reference.PADDING] == 0
    assert found.available[Reference.BYTES] == len(found.reference_ids) == 13
    assert sorted(found.rows.filter(pl.col("like_reference") & (pl.col("class") == "reachable"))["id"]) == weak
    with pytest.raises(TokbenchError, match="has no padding rows"):
        find_undertrained(tokenizer, open_embeddings(tmp_path), reference=Reference.PADDING)


def test_reference_rows_of_zeros_are_passed_over_and_tokens_of_zeros_come_first(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    outputs = draw(ROWS, WIDTH)
    outputs[tokenizer.vocab_total :] = 0
    number = int(classify_rows(tokenizer, ROWS).filter(pl.col("class") == "reachable")["id"][17])
    outputs[number] = 0
    write_model(tmp_path, {NEOX[0]: outputs})
    found = find_undertrained(tokenizer, open_embeddings(tmp_path))
    assert found.reference is not Reference.PADDING
    assert not found.separates  # nothing was trained
    first = found.candidates().row(0, named=True)
    assert (first["id"], first["output_cosine"], first["output_norm"], first["like_reference"]) == (
        number,
        None,
        0,
        True,
    )


def test_all_rows_of_zeros_are_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    write_model(tmp_path, {NEOX[0]: np.zeros((ROWS, WIDTH))})
    with pytest.raises(TokbenchError, match="has no untrained rows to compare with, or they are all zeros"):
        find_undertrained(tokenizer, open_embeddings(tmp_path))


def test_tied_embeddings_have_no_input_norm(tmp_path: Path, tokenizer: Tokenizer) -> None:
    plant(tmp_path, tokenizer, 0, tied=True)
    with pytest.raises(TokbenchError, match="tied embeddings, whose norms say little"):
        find_undertrained(tokenizer, open_embeddings(tmp_path), indicator=Indicator.INPUT_NORM)


@needs_data
def test_gpt_neox_has_the_padding_rows_of_pythia(tmp_path: Path) -> None:
    tokenizer = load_tokenizer("gpt-neox-20b")
    plant(tmp_path, tokenizer, 5, rows=50304)
    found = find_undertrained(tokenizer, open_embeddings(tmp_path))
    assert found.available == {Reference.PADDING: 27, Reference.UNREACHABLE: 23 + 198, Reference.BYTES: 0}
    assert found.reference_ids.tolist() == list(range(50277, 50304))
    counts = {row["class"]: row["rows"] for row in found.count_by_class().to_dicts()}
    assert (counts["single"], counts["multi"], counts["undecodable"]) == (23, 198, 484)
    assert found.candidates().height == 992  # 2 % of 49,570, rounded up


# ---- the command


def test_the_command_shows_and_writes_what_was_found(tmp_path: Path) -> None:
    path = str(made.make_tokenizer_json(tmp_path))
    weak = plant(tmp_path / "model", load_tokenizer(path), 1)
    shown = run("vocab", path, "--weights", str(tmp_path / "model"))
    assert shown.returncode == 0, shown.stderr
    assert "indicator: norm of the input row\n" in shown.stdout
    assert "padding rows, which no token has (ids " in shown.stdout
    document = json.loads(run("vocab", path, "--weights", str(tmp_path / "model"), "--json").stdout)
    assert [row["id"] for row in document["candidates"] if row["like_reference"]] == [
        row["id"] for row in document["candidates"] if row["id"] in weak
    ]
    assert document["reference"]["kind"] == "padding"
    assert not document["tied"]
    assert {row["class"] for row in document["classes"]} <= set(CLASSES)
    page = run("vocab", path, "--weights", str(tmp_path / "model"), "-f", "html").stdout
    assert "candidates, the lowest 2.0 % of the reachable tokens" in page
    table = run("vocab", path, "--weights", str(tmp_path / "model"), "-f", "csv").stdout
    assert table.startswith("id,bytes,class,input_norm,output_norm,output_cosine,output_cosine_without_pc,candidate")
    assert len(list(csv.reader(io.StringIO(table)))) == ROWS + 1
    assert run("vocab", path, "--weights", str(tmp_path / "model"), "-f", "csv").stdout == table
    named = ("--indicator", "output_cosine_without_pc", "--reference-rows", "bytes", "--share", "5%")
    document = json.loads(run("vocab", path, "--weights", str(tmp_path / "model"), *named, "--json").stdout)
    assert (document["indicator"], document["share"]) == ("output_cosine_without_pc", 0.05)
    assert len(document["reference"]["ids"]) == 13


def test_random_weights_are_called_so(tmp_path: Path) -> None:
    path = str(made.make_tokenizer_json(tmp_path))
    folder = make(Architecture(layers=1, width=32, heads=2, vocab_rows=ROWS, context=2048), tmp_path / "model")
    shown = run("vocab", path, "--weights", str(folder)).stdout
    assert "the weights are marked as random" in shown
    assert "does not tell the reference rows from reachable tokens" in shown
    refuse("vocab", path, "--weights", str(folder), "--verify", "ctranslate2", says="random weights")


def test_options_that_have_no_meaning_are_refused(tmp_path: Path) -> None:
    path = str(made.make_tokenizer_json(tmp_path))
    refuse("vocab", path, "--weights", "x", "--moved", path, says="--weights reads a model's embeddings")
    refuse("vocab", path, "--weights", "x", "-c", "tokbench14", says="leave --corpus out")
    refuse("vocab", path, "--verify", "ctranslate2", says="leave --verify out")
    refuse("vocab", path, "--indicator", "input_norm", says="leave --indicator out")
    refuse("vocab", path, "--weights", str(tmp_path), says="has no safetensors files")
    refuse("vocab", path, "--weights", str(tmp_path), "--verify", "nonsense", says="nonsense")
    refuse("vocab", path, "--weights", "x/y", "--share", "0.9", says="--share is '0.9'")


def test_the_choices_of_options_are_those_of_the_analysis() -> None:
    assert [one.value for one in IndicatorName] == [one.value for one in Indicator]
    assert [one.value for one in ReferenceName] == [one.value for one in Reference]
    assert set(CLASSES) >= {kind.value for kind in Reach}


# ---- verification


def test_prompts_leave_one_answer() -> None:
    echo, once = build_templates(load_tokenizer("utf8"))
    text = bytes(echo.fill(ord("#"))).decode()
    assert text.startswith("The device returns whatever is put into it")
    assert text.count("#") == 26
    assert text.endswith("Input: «#»\nOutput: «#")
    assert text.count("Input: «#»\nOutput: «#") == 13
    assert bytes(once.fill(ord("#"))).decode() == "The same phrase, over and over again:\n" + "#" * 41


def test_probabilities_are_those_of_the_last_token() -> None:
    templates = (Template("echo", (1,), ((2,),), 2), Template("run", (), ((),), 2))
    asked: list[list[int]] = []

    def score(ids: Any) -> Any:
        asked.append(list(ids))
        return np.log(np.array([0.9, 0.5 if len(ids) == 4 else 0.004], dtype=np.float32))

    (found,) = measure_repetition([7], templates, score)
    assert asked == [[1, 7, 2, 7], [7, 7]]
    assert (found.echo, found.run) == (pytest.approx(0.5), pytest.approx(0.004))
    assert found.probability == pytest.approx(0.5)
    assert not found.verified
    assert Repetition(7, 0.0099, 0.001).verified
    with pytest.raises(TokbenchError, match="after the token 7 are not numbers"):
        measure_repetition([7], templates, lambda ids: np.array([np.nan], dtype=np.float32))


@needs_ctranslate2
def test_a_model_that_repeats_all_but_planted_tokens_verifies_them(tmp_path: Path) -> None:
    """Layers that add nothing and an unembedding equal to the embedding: the last token is always predicted again."""
    from helpers.copying import write_copying_model

    path = str(made.make_tokenizer_json(tmp_path))
    weak = write_copying_model(tmp_path / "model", load_tokenizer(path), ROWS)
    arguments = ("vocab", path, "--weights", str(tmp_path / "model"), "--share", "4%", "--verify", "ctranslate2")
    document = json.loads(run(*arguments, "--verify-limit", "7", "--json").stdout)
    answers = document["verification"]["tokens"]
    assert document["verification"]["model"] == "ctranslate2 float32"
    assert document["verification"]["left_out"] == len(document["candidates"]) - 7
    asked = [row for row in answers if row["group"] == "candidate"]
    assert [row["id"] for row in asked] == [row["id"] for row in document["candidates"][:7]]
    assert sorted(row["id"] for row in asked if row["under_trained"]) == weak
    controls = [row for row in answers if row["group"] == "control"]
    assert len(controls) == 20
    assert not any(row["under_trained"] for row in controls)
    shown = run(*arguments).stdout
    assert f"prompted on ctranslate2 float32: {len(weak)} of " in " ".join(shown.split())
