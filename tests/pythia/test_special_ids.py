"""Texts begin and end with the ids of the model's own files: as the LM Evaluation Harness and transformers have them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.lm_eval import instance
from helpers.tiny_families import FAMILIES, make_family
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, run
from tokbench.pythia.backends._evaluation import require_evaluation
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.special_ids import SpecialIds, read_special_ids
from tokbench.pythia.measure.score import load_vocabulary, score_texts
from tokbench.pythia.measure.windows import HarnessWindows, Windows

MISSING = [name for name in ("torch", "transformers", "ctranslate2", "xllamacpp", "gguf") if find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.filterwarnings("ignore"),
]

EXPECTED = {
    "llama": SpecialIds(1, "1", (2,), (1,)),
    "llama3": SpecialIds(0, "0", (1, 2), (0,)),
    "qwen2": SpecialIds(2, "2", (0, 2)),
    "gemma": SpecialIds(2, "2", (1,), (2,)),
    "mpt": SpecialIds(0, "endoftext", (0,)),
    "opt": SpecialIds(2, "2", (2,), (2,)),
}
RUNS = {
    "llama": {"ctranslate2": "float32", "llamacpp": "f32", "transformers": "float32"},
    "llama3": {"ctranslate2": "float32", "llamacpp": "f32"},
    "qwen2": {"ctranslate2": "float32", "llamacpp": "f32"},
    "gemma": {"transformers": "float32"},
    "mpt": {"transformers": "float32"},
    "opt": {"transformers": "float32"},
}
TOLERANCE = {"ctranslate2": 1e-5, "transformers": 1e-5, "llamacpp": 1e-4}
TEXTS = ["The quick brown fox jumps over the lazy dog. " * 3, "Ein K\u00e4fer l\u00e4uft.", ""]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    folder = tmp_path_factory.mktemp("families")
    return {name: open_checkpoint(make_family(name, folder / name)) for name in FAMILIES}


@pytest.mark.parametrize("name", FAMILIES)
def test_ids_are_those_of_the_files(made: dict[str, Checkpoint], name: str) -> None:
    from transformers import AutoTokenizer

    found = read_special_ids(made[name])
    assert found == EXPECTED[name]
    library = AutoTokenizer.from_pretrained(made[name].path)
    prefix = library.eos_token_id if library.bos_token_id is None else library.bos_token_id
    assert found.prefix == prefix
    assert found.wrap([]) == library.encode("")


@pytest.mark.parametrize("name", FAMILIES)
def test_scores_are_those_of_the_harness(made: dict[str, Checkpoint], name: str) -> None:
    harness = pytest.importorskip("lm_eval.models.huggingface")
    pytest.importorskip("accelerate")
    from tokbench.pythia.lm_eval.model import HarnessModel

    checkpoint = made[name]
    reference = harness.HFLM(
        pretrained=str(checkpoint.path), dtype="float32", device="cpu", batch_size=1, max_length=40
    )
    pairs = [("The quick brown", " fox"), ("", "Nothing in"), ("Ein ", "K\u00e4fer"), (TEXTS[0], " over the")]
    asked = [instance(*pair, kind="loglikelihood") for pair in pairs]
    rolling = [instance(text) for text in TEXTS[:2]]
    generated = [instance("The quick", {"max_gen_toks": 20, "until": []}, kind="generate_until")]
    expected = [
        *reference.loglikelihood(asked, disable_tqdm=True),
        *reference.loglikelihood_rolling(rolling, disable_tqdm=True),
        *reference.generate_until(generated, disable_tqdm=True),
    ]
    for backend, kind in RUNS[name].items():
        model = HarnessModel(str(checkpoint.path), backend=backend, quantization=kind, max_length=40, threads=1)
        found: list[Any] = [
            *model.loglikelihood(asked, disable_tqdm=True),
            *model.loglikelihood_rolling(rolling, disable_tqdm=True),
            *model.generate_until(generated, disable_tqdm=True),
        ]
        model.runner.close()
        for one, other in zip(found, expected, strict=True):
            if isinstance(other, tuple):
                assert one == (pytest.approx(other[0], rel=TOLERANCE[backend]), other[1]), (backend, name)
            elif isinstance(other, float):
                assert one == pytest.approx(other, rel=TOLERANCE[backend]), (backend, name)
            else:
                assert one == other, (backend, name)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_strided_score_is_that_of_the_models_own_logits(made: dict[str, Checkpoint], name: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    checkpoint, special = made[name], EXPECTED[name]
    tokenizer = load_vocabulary(checkpoint)
    ids = [special.prefix, *tokenizer.encode(TEXTS[1])]
    model = AutoModelForCausalLM.from_pretrained(checkpoint.path, dtype=torch.float32)
    with torch.inference_mode():
        chances = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    bits = -sum(float(chances[place, number]) for place, number in enumerate(ids[1:])) / np.log(2)
    for backend, kind in RUNS[name].items():
        runner = run(checkpoint, backend, kind, threads=1)
        windows = Windows(64, 32, special=read_special_ids(checkpoint))
        rows = checkpoint.architecture.vocab_rows
        found = score_texts([TEXTS[1]], tokenizer, runner, windows, rows)
        runner.close()
        assert found.bits == pytest.approx(bits, rel=TOLERANCE[backend]), backend
        assert f"bos:{special.name}" in str(windows)
