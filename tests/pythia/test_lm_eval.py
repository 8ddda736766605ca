"""The LM Evaluation Harness on tokbench's backends gives what it gives through its own class `hf`."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from helpers.lm_eval import instance, open_with_hf
from helpers.pretrained import make_pretrained
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.measure.score import load_vocabulary, score_texts
from tokbench.pythia.measure.windows import HarnessWindows
from tokbench.pythia.model.architecture import Architecture

MISSING = [
    name
    for name in ("lm_eval", "accelerate", "torch", "transformers", "ctranslate2", "xllamacpp", "gguf")
    if find_spec(name) is None
]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.filterwarnings("ignore"),  # of the harness and its libraries
]

SMALL = Architecture(layers=2, width=64, heads=4, vocab_rows=402, context=48)
BACKENDS = {"ctranslate2": 1e-5, "transformers": 1e-5, "llamacpp": 5e-4}
"""Tolerance of log probabilities, relative; llama.cpp's GELU is a table of 16-bit values."""

LONG = "The quick brown fox jumps over the lazy dog. " * 8
PAIRS = [
    ("The quick brown fox jumps over the lazy", " dog"),
    ("The quick brown fox jumps over the lazy ", "dog"),
    ("", "Nothing in the letter"),
    ("你好，", "世界。"),
    (LONG, " Nothing in the letter"),  # more than the context: read from the left end on
]
CHOICES = [
    {"context": "The quick brown fox jumps over the lazy", "choices": [" dog", " elephant", " clerk"], "gold": 0},
    {"context": "Nothing in the", "choices": [" letter", " 世界", " fox"], "gold": 1},
    {"context": "def add", "choices": ["(x)", "[1]", " it"], "gold": 2},
]
TEXTS = [LONG, "Ein Käfer läuft über die Brücke.", "你好，世界。今天天气很好，" * 4]
TASKS = {
    "tiny_choice": {
        "output_type": "multiple_choice",
        "doc_to_text": "{{context}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{gold}}",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    },
    "tiny_perplexity": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{text}}",
        "metric_list": [{"metric": name} for name in ("word_perplexity", "byte_perplexity", "bits_per_byte")],
    },
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return make_pretrained(SMALL, tmp_path_factory.mktemp("models") / "small", seed=3)


@pytest.fixture(scope="module")
def reference(small: Checkpoint) -> Any:
    return open_with_hf(small, max_length=40)


def open_model(checkpoint: Checkpoint, backend: str, **options: Any) -> Any:
    from tokbench.pythia.lm_eval.model import HarnessModel

    return HarnessModel(str(checkpoint.path), backend=backend, threads=1, **{"max_length": 40} | options)


@pytest.fixture(scope="module", params=list(BACKENDS))
def named(request: pytest.FixtureRequest, small: Checkpoint) -> Iterator[tuple[str, Any]]:
    model = open_model(small, request.param)
    yield request.param, model
    model.runner.close()


def test_continuations(named: tuple[str, Any], reference: Any) -> None:
    requests = [instance(*pair, kind="loglikelihood") for pair in PAIRS]
    expected = reference.loglikelihood(requests, disable_tqdm=True)
    found = named[1].loglikelihood(requests, disable_tqdm=True)
    assert [one[0] for one in found] == pytest.approx([one[0] for one in expected], rel=BACKENDS[named[0]])
    assert [one[1] for one in found] == [one[1] for one in expected]


def test_a_greedy_continuation_is_known_as_one(named: tuple[str, Any], reference: Any) -> None:
    model = named[1]
    written = model.generate_until([instance("Nothing in", {"max_gen_toks": 2}, kind="generate_until")], True)[0]
    pairs = [instance("Nothing in", text, kind="loglikelihood") for text in (written, f"{written}x")]
    for one in (model, reference):
        greedy = [found[1] for found in one.loglikelihood(pairs, disable_tqdm=True)]
        assert greedy[1] is False
        if model.tok_encode(f"Nothing in{written}")[-2:] == model.tok_encode(written):
            assert greedy[0] is True


def test_whole_texts_in_windows(named: tuple[str, Any], reference: Any, small: Checkpoint) -> None:
    requests = [instance(text) for text in ["", "x", *TEXTS]]
    expected = reference.loglikelihood_rolling(requests, disable_tqdm=True)
    found = named[1].loglikelihood_rolling(requests, disable_tqdm=True)
    assert found == pytest.approx(expected, rel=BACKENDS[named[0]])
    bits = score_texts(TEXTS, load_vocabulary(small), named[1].runner, HarnessWindows(40), SMALL.vocab_rows).bits
    assert bits == pytest.approx(-sum(found[2:]) / math.log(2), rel=1e-12)


def test_generated_text(named: tuple[str, Any], reference: Any) -> None:
    written = reference.generate_until(
        [instance(text, {"max_gen_toks": 35, "until": []}, kind="generate_until") for text in TEXTS], disable_tqdm=True
    )
    stops = [text[7:9] for text in written]
    requests = [
        instance(text, {"max_gen_toks": most, "until": until}, kind="generate_until")
        for text, stop in zip(TEXTS, stops, strict=True)
        for most, until in ((35, []), (6, ["\n\n"]), (35, [stop]), (35, [stop, written[0][:2]]))
    ]
    expected = reference.generate_until(requests, disable_tqdm=True)
    assert named[1].generate_until(requests, disable_tqdm=True) == expected
    assert len(set(expected)) > 4


def test_tasks_of_the_harness(small: Checkpoint, reference: Any, tmp_path: Path) -> None:
    """Its evaluator on tasks of our own, once through `hf` and once through each of two backends."""
    import lm_eval
    import yaml
    from lm_eval.tasks import TaskManager

    import tokbench.pythia.lm_eval  # noqa: F401 - registers the model

    rows = {"tiny_choice": CHOICES, "tiny_perplexity": [{"text": text} for text in TEXTS]}
    for name, task in TASKS.items():
        data = tmp_path / f"{name}.jsonl"
        data.write_text("".join(f"{json.dumps(row)}\n" for row in rows[name]), "utf-8")
        source = {"data_files": {"test": str(data)}, "cache_dir": str(tmp_path / "cache")}
        content = {"task": name, "dataset_path": "json", "dataset_kwargs": source, "test_split": "test", **task}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content), "utf-8")
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    options = {"tasks": list(TASKS), "task_manager": manager, "bootstrap_iters": 0, "device": "cpu"}
    expected = lm_eval.simple_evaluate(model=reference, **options)["results"]
    assert set(expected) == set(TASKS)
    for backend in ("ctranslate2", "llamacpp"):
        arguments = {"pretrained": str(small.path), "backend": backend, "threads": 1, "max_length": 40}
        found = lm_eval.simple_evaluate(model="tokbench", model_args=arguments, **options)["results"]
        for task, metrics in expected.items():
            for metric, value in metrics.items():
                if isinstance(value, float):
                    # A perplexity is exponential in what is measured: of a word of many characters, steeply.
                    tolerance = BACKENDS[backend] * (100 if metric.startswith("word") else 10)
                    assert found[task][metric] == pytest.approx(value, rel=tolerance), (task, metric, backend)


# ---- what it refuses


def test_what_cannot_be_evaluated_is_refused(small: Checkpoint, tmp_path: Path) -> None:
    for options, message in (
        ({"max_length": 49}, "windows of 49 tokens are longer than the 48"),
        ({"device": "mps"}, "tokbench has no device 'mps'"),
        ({"quantization": "q4_0"}, "ctranslate2 cannot run q4_0"),
    ):
        with pytest.raises(TokbenchError, match=message):
            open_model(small, "ctranslate2", **options)
    with pytest.raises(TokbenchError, match="no backend is called 'vllm'"):
        open_model(small, "vllm")
    from tokbench.pythia.formats.opening import open_checkpoint

    with pytest.raises(TokbenchError, match="has random weights"):
        open_model(open_checkpoint(make(SMALL, tmp_path / "random")), "ctranslate2")


def test_requests_that_do_not_fit_are_refused(named: tuple[str, Any]) -> None:
    model = named[1]
    for text, options, message in (
        ("x", {"max_gen_toks": 40}, "40 new tokens leave no room in the 40"),
        ("x", {"do_sample": True, "temperature": 0.7}, "the task samples"),
    ):
        with pytest.raises(TokbenchError, match=message):
            model.generate_until([instance(text, options, kind="generate_until")], disable_tqdm=True)
    with pytest.raises(TokbenchError, match="does not fit the 40"):
        model.loglikelihood([instance("x", LONG, kind="loglikelihood")], disable_tqdm=True)


def test_lengths_devices_and_types_that_none_named(small: Checkpoint) -> None:
    for backend, most, kind in (("ctranslate2", 48, "float32"), ("llamacpp", 47, "by the file")):
        for device in (None, "cpu", "cuda:0"):  # the last is what the harness gives
            model = open_model(small, backend, max_length=None, device=device, batch_size=1)
            assert (model.max_length, model.max_gen_toks) == (most, 256)
            assert model.runner.settings["compute type"] == kind
            model.runner.close()


def test_a_missing_harness_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from tokbench.pythia.lm_eval import register_model

    monkeypatch.setitem(sys.modules, "lm_eval.api.registry", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tokbench\[lm-eval\]'"):
        register_model()


def test_its_command_line_knows_the_model(tmp_path: Path) -> None:
    """In a process of its own: an error that a user can fix is one line, and the harness's own options work."""
    code = (
        "import sys, lm_eval.__main__ as harness\n"
        "from tokbench.errors import TokbenchError\n"
        "from tokbench.cli import lm_eval as ours\n"
        "import tokbench.pythia.lm_eval\n"
        "from lm_eval.api.registry import model_registry\n"
        "assert 'tokbench' in model_registry\n"
        "def fail(): raise TokbenchError('no \\x1b model', 'use one')\n"
        "harness.cli_evaluate = fail\n"
        "ours.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("tokbench: no ")
    assert done.stderr.splitlines()[-1].endswith(" model; use one")
    assert "\x1b" not in done.stderr
