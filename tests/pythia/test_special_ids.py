"""Texts begin and end with the ids of the model's own files, as for the LM Evaluation Harness and transformers."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.lm_eval import instance
from helpers.tiny_families import FAMILIES, make_family, make_tokenizer
from tokbench.errors import TokbenchError
from tokbench.pythia.backends._evaluation import require_evaluation, run_exactly
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
TOLERANCE = {"ctranslate2": 1e-5, "transformers": 1e-5, "llamacpp": 1e-5}
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
        runner = run_exactly(checkpoint, backend, kind, threads=1, context=64)
        windows = Windows(64, 32, special=read_special_ids(checkpoint))
        rows = checkpoint.architecture.vocab_rows
        found = score_texts([TEXTS[1]], tokenizer, runner, windows, rows)
        runner.close()
        assert found.bits == pytest.approx(bits, rel=TOLERANCE[backend]), backend
        assert f"bos:{special.name}" in str(windows)


def write_gguf_vocabulary(folder: Path, name: str, **fields: Any) -> Checkpoint:
    from helpers.llama_cpp import write

    document = json.loads(make_tokenizer(name).to_str())
    tokens = [token for token, _ in sorted(document["model"]["vocab"].items(), key=lambda item: item[1])]
    special = {token["content"] for token in document["added_tokens"]}
    types = [3 if token in special else 6 if token.startswith("<0x") else 1 for token in tokens]
    merges = [" ".join(merge) for merge in document["model"]["merges"]]
    return open_checkpoint(write(folder / f"{name}.gguf", "gpt2", tokens, types, pre="gpt-2", merges=merges, **fields))


def test_a_gguf_file_says_how_its_texts_begin(tmp_path: Path) -> None:
    """The vocabulary in the file is used, not GPT-NeoX's, with a whole character that the vocabulary itself has."""
    ids = {"bos_token_id": 0, "eos_token_id": 1, "eot_token_id": 2}
    checkpoint = write_gguf_vocabulary(tmp_path, "llama3", fields={**ids, "add_bos_token": True})
    special = read_special_ids(checkpoint)
    assert special == SpecialIds(0, "0", (1, 2), (0,))
    assert read_special_ids(write_gguf_vocabulary(tmp_path, "qwen2", fields=ids)).before == ()
    tokenizer = load_vocabulary(checkpoint)
    assert tokenizer.asset.format == "gguf"
    runner = run_exactly(checkpoint, "llamacpp", "f16", threads=1, context=64)
    rows = checkpoint.architecture.vocab_rows
    # All weights are zero: every token is as likely as every other.
    found = score_texts(["The quick fox"], tokenizer, runner, HarnessWindows(40, special), rows)
    assert found.bits == pytest.approx((1 + found.tokens) * np.log2(rows), rel=1e-6)
    assert len(runner.generate([5], 4)[0]) == 4
    counted: list[int] = []
    runner.stream([[5, 6]], 3, counted.append)
    assert counted == [0, 0, 0]
    runner.close()


def test_generation_ends_where_the_model_says_and_nowhere_else(made: dict[str, Checkpoint]) -> None:
    """llama.cpp has ends of its own, by name, which are not the model's."""
    checkpoint = made["qwen2"]
    loaded = {
        backend: require_evaluation(run_exactly(checkpoint, backend, kind, threads=1, context=64), backend)
        for backend, kind in (("llamacpp", "f32"), ("ctranslate2", "float32"), ("transformers", "float32"))
    }
    whole = loaded["transformers"].complete([5, 9], 30, [])
    assert len(whole) == 30
    for runner in loaded.values():
        assert runner.complete([5, 9], 30, []) == whole
        assert runner.complete([5, 9], 30, [whole[7]]) == whole[: whole.index(whole[7])]
        assert (
            runner.complete([5, 9], 30, [whole[12], whole[3]]) == whole[: min(map(whole.index, (whole[12], whole[3])))]
        )
        runner.close()


def test_a_model_without_a_tokenizer_is_not_read_with_another_ones(tmp_path: Path, made: dict[str, Checkpoint]) -> None:
    from tokbench.pythia.backends import BACKENDS

    converted = open_checkpoint(BACKENDS["llamacpp"].prepare(made["llama"], "f32"))
    with pytest.raises(TokbenchError, match="has no tokenizer of its own"):
        load_vocabulary(converted)


def test_damaged_settings_are_one_line(tmp_path: Path) -> None:
    folder = make_family("qwen2", tmp_path / "model")
    checkpoint = open_checkpoint(folder)
    for file, key, value, message in (
        ("generation_config.json", "eos_token_id", "x\x1b", "eos_token_id is"),
        ("generation_config.json", "eos_token_id", 420, "beyond the 420 rows"),
        ("generation_config.json", "eos_token_id", [-1], "expected an id or a list"),
        ("tokenizer_config.json", "add_bos_token", "yes", "true, false or null is expected"),
        ("tokenizer.json", "post_processor", {"type": "TemplateProcessing", "single": [{"SpecialToken": {}}]}, "form"),
    ):
        path = folder / file
        before = path.read_text("utf-8")
        path.write_text(json.dumps(json.loads(before) | {key: value}), "utf-8")
        with pytest.raises(TokbenchError, match=message) as error:
            read_special_ids(checkpoint)
        assert "\x1b" not in str(error.value)
        path.write_text(before, "utf-8")
    for name, key in (("generation_config.json", "eos_token_id"), ("config.json", "eos_token_id")):
        content = json.loads((folder / name).read_text("utf-8")) | {key: None, "bos_token_id": None}
        (folder / name).write_text(json.dumps(content), "utf-8")
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(TokbenchError, match="no file names the token"):
        read_special_ids(checkpoint)
