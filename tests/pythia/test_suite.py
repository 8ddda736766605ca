"""The Pythia suite as data: exact published figures, every way to name a model, the checkpoints."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest

import tokbench.pythia
from tokbench.errors import TokbenchError, UnavailableError
from tokbench.pythia.formats.hub import fetch_model
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import non_embedding_parameters, parameters
from tokbench.pythia.model.facts import gather_facts
from tokbench.pythia.model.models import (
    checkpoints,
    find_checkpoint,
    find_model,
    models,
    revisions,
    suite,
    variants,
)

# size: total, non-embedding, layers, width, heads, rows, learning rate, old suffix (as published)
PUBLISHED = {
    "70M": (70_426_624, 18_915_328, 6, 512, 8, 50304, 1.0e-3, "19m"),
    "160M": (162_322_944, 85_056_000, 12, 768, 12, 50304, 6.0e-4, "125m"),
    "410M": (405_334_016, 302_311_424, 24, 1024, 16, 50304, 3.0e-4, "350m"),
    "1B": (1_011_781_632, 805_736_448, 16, 2048, 8, 50304, 3.0e-4, "800m"),
    "1.4B": (1_414_647_808, 1_208_602_624, 24, 2048, 16, 50304, 2.0e-4, "1.3b"),
    "2.8B": (2_775_208_960, 2_517_652_480, 32, 2560, 32, 50304, 1.6e-4, "2.7b"),
    "6.9B": (6_857_302_016, 6_444_163_072, 32, 4096, 32, 50432, 1.2e-4, "6.7b"),
    "12B": (11_846_072_320, 11_327_027_200, 36, 5120, 40, 50688, 1.2e-4, "13b"),
}


@pytest.mark.parametrize("size", PUBLISHED)
@pytest.mark.parametrize("ending", ["", "-deduped"])
def test_every_model_equals_what_was_published(size: str, ending: str) -> None:
    total, non_embedding, layers, width, heads, rows, rate, old = PUBLISHED[size]
    model = find_model(f"pythia-{size}{ending}")
    assert parameters(model.architecture) == total
    assert non_embedding_parameters(model.architecture) == non_embedding
    assert model.architecture == Architecture(layers, width, heads, rows, context=2048, rotary_fraction=0.25)
    assert model.name == f"pythia-{size.lower()}{ending}"
    assert model.hub_id == f"EleutherAI/{model.name}"
    assert model.old_name == f"pythia-{old}{ending}"
    assert model.learning_rate == rate
    assert model.batch_tokens == 2_097_152
    assert model.deduped is bool(ending)
    assert model.licence == "Apache-2.0"


def test_the_first_release_had_larger_batches_for_three_sizes() -> None:
    larger = {model.size for model in models() if model.batch_tokens_v0 == 4_194_304}
    assert larger == {"160M", "410M", "1.4B"}
    assert {model.batch_tokens_v0 for model in models() if model.size not in larger} == {2_097_152}


def test_the_frame_has_a_row_a_model() -> None:
    frame = suite()
    assert frame.height == 16
    assert frame["name"].is_unique().all()
    assert frame.schema["equivalents"] == pl.List(pl.String)
    plain = frame.filter(~pl.col("deduped"))
    assert plain["size"].to_list() == list(PUBLISHED)
    assert plain["parameters"].to_list() == [row[0] for row in PUBLISHED.values()]
    assert plain["non_embedding"].to_list() == [row[1] for row in PUBLISHED.values()]
    assert plain["equivalents"].to_list()[:3] == [[], ["GPT-Neo 125M", "OPT-125M"], ["OPT-350M"]]


@pytest.mark.parametrize(
    "name",
    ["pythia-1.4b", "1.4b", "1.4B", "PYTHIA_1.4B", " pythia-1.4b ", "EleutherAI/pythia-1.4b", "pythia-1.3b", "1.3b"],
)
def test_names_of_one_model(name: str) -> None:
    assert find_model(name).name == "pythia-1.4b"
    assert find_model(f"{name.strip()}-deduped").name == "pythia-1.4b-deduped"


def test_no_old_name_is_one_of_todays() -> None:
    assert not {model.name for model in models()} & {model.old_name for model in models()}
    assert find_model("13b").size == "12B"
    assert find_model("1.3b").size == "1.4B"
    for model in models():
        for name in (model.name, model.old_name, model.hub_id, model.name.removeprefix("pythia-")):
            assert find_model(name) is model


@pytest.mark.parametrize(
    ("name", "near"),
    [("pythia-1.4", "pythia-1.4b"), ("410", "pythia-410m"), ("pythia-70m-dedup", "pythia-70m-deduped")],
)
def test_unknown_models_are_refused_with_the_nearest_name(name: str, near: str) -> None:
    with pytest.raises(TokbenchError, match=f"no Pythia model is called {name!r}.*did you mean {near!r}"):
        find_model(name)


@pytest.mark.parametrize(
    "name", ["", "-deduped", "gpt-neox-20b", "1b-seed1", "14m-deduped", "70m-seed10", "someone/pythia-70m"]
)
def test_what_is_no_model_of_the_suite(name: str) -> None:
    with pytest.raises(TokbenchError, match=r"70M, 160M, 410M, 1B, 1\.4B, 2\.8B, 6\.9B, 12B"):
        find_model(name)


def test_the_smaller_sizes_as_published() -> None:
    assert [parameters(find_model(size).architecture) for size in ("14m", "pythia-31m")] == [14_067_712, 30_494_720]
    assert find_model("EleutherAI/pythia-14m").old_name is None


def test_the_first_release_and_other_seeds() -> None:
    first, seeded = find_model("1.4b-deduped-v0"), find_model("pythia-410m-seed9")
    assert (first.hub_id, first.batch_tokens) == ("EleutherAI/pythia-1.4b-deduped-v0", 4_194_304)
    assert first.architecture == find_model("1.4b").architecture
    facts = gather_facts(first)
    assert (facts["checkpoints"], facts["first_checkpoint"], facts["old_name"]) == (
        143,
        "step1000",
        "pythia-1.3b-deduped",
    )
    assert seeded.hub_id == "EleutherAI/pythia-410m-seed9"
    assert gather_facts(seeded)["checkpoints"] == 154
    assert len(variants()) == 2 + 16 + 5 * 9


@pytest.mark.parametrize(("revision", "near"), [("step3001", "step3000"), ("step300", "step256")])
def test_a_step_that_was_not_saved_names_the_nearest(revision: str, near: str) -> None:
    with pytest.raises(TokbenchError, match=f"'{revision}'.*nearest one is {near}"):
        fetch_model("EleutherAI/pythia-70m-seed1", revision, offline=True)
    with pytest.raises(UnavailableError, match="not in the Hugging Face cache"):
        fetch_model("someone/pythia-70m", revision, offline=True)


def test_the_154_checkpoints() -> None:
    frame = checkpoints()
    assert frame.height == 154
    assert frame["step"].to_list()[:13] == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 2000]
    assert frame["step"].is_sorted()
    assert frame["step"].is_unique().all()
    assert frame.row(-1) == (143000, "step143000", 299_892_736_000)
    assert frame.row(0) == (0, "step0", 0)
    assert (frame["tokens_seen"] == frame["step"] * 2_097_152).all()


def test_finding_a_checkpoint() -> None:
    assert find_checkpoint("step3000").tokens_seen == 3000 * 2_097_152
    assert find_checkpoint("main") == find_checkpoint("step143000") == revisions()[-1]
    with pytest.raises(TokbenchError, match=r"'step3100'.*nearest one is step3000"):
        find_checkpoint("step3100")
    with pytest.raises(TokbenchError, match=r"'600'.*nearest one is step512"):
        find_checkpoint("600")
    with pytest.raises(TokbenchError, match="step1000 to step143000, or main"):
        find_checkpoint("v0")


def test_suite_stays_a_function_after_its_module_is_imported() -> None:
    assert tokbench.pythia.suite().equals(suite())
    assert tokbench.pythia.suite().equals(suite())
    for name in tokbench.pythia.__all__:
        assert callable(getattr(tokbench.pythia, name))
    assert sorted(tokbench.pythia.__all__) == dir(tokbench.pythia)
    with pytest.raises(AttributeError, match="no attribute 'suit'"):
        tokbench.pythia.suit  # noqa: B018


def test_importing_the_package_is_light() -> None:
    code = "import sys, tokbench.pythia, tokbench.cli.model; print({'polars', 'numpy', 'torch'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
