"""What `--model` names: the suite, other families, files and the hub."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from helpers.commands import refuse, run
from tokbench.errors import TokbenchError, UnavailableError
from tokbench.pythia.model.arithmetic import parameters
from tokbench.pythia.model.models import find_model, models, variants
from tokbench.pythia.model.relatives import relatives
from tokbench.pythia.model.resolution import resolve_model, resolve_named

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 300,
}
PARAMETERS = 2 * (4 * 64**2 + 3 * 64 * 96 + 2 * 64) + 64 + 2 * 300 * 64


def write(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps({**LLAMA, **changes}), "utf-8")
    return path


def test_every_name_means_one_model() -> None:
    for model in (*models(), *variants()):
        assert resolve_model(model.name).architecture == model.architecture
    for relative in relatives():
        for name in (relative.name, relative.name.upper(), relative.name.replace("-", "_"), *relative.aliases):
            assert resolve_model(name).name == relative.name
        if relative.hub_id:
            assert resolve_model(relative.hub_id).name == relative.name


def test_what_costs_need_beside_the_shape() -> None:
    suite, other = resolve_model("6.9b"), resolve_model("opt-125m")
    assert (suite.name, suite.vocabulary, suite.vocab_multiple, suite.tokenizer) == (
        "pythia-6.9b",
        50277,
        256,
        "gpt-neox-20b",
    )
    assert (other.vocabulary, other.vocab_multiple, other.tokenizer) == (50265, 8, "opt")


def test_a_configuration_and_its_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "my-model")
    for argument in (path, path.parent):
        spec = resolve_model(str(argument))
        assert (spec.name, parameters(spec.architecture)) == ("my-model", PARAMETERS)
        assert (spec.vocabulary, spec.vocab_multiple, spec.tokenizer) == (None, 1, None)


def test_a_configuration_in_the_cache_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "a" * 40
    write(tmp_path / "models--org--name" / "snapshots" / commit)
    reference = tmp_path / "models--org--name" / "refs" / "main"
    reference.parent.mkdir()
    reference.write_text(commit)
    assert resolve_model("org/name", offline=True).name == "org/name"
    assert resolve_model(f"hf:org/name@{commit}", offline=True).name == f"org/name@{commit}"
    with pytest.raises(UnavailableError, match=r"config\.json of org/other is not in the Hugging Face cache: offline"):
        resolve_model("org/other", offline=True)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("lama-7b", "did you mean 'llama-7b'"),
        ("pythia-1.4", "did you mean 'pythia-1.4b'"),
        ("", "no model is called ''"),
        ("./nothing", "no model is called './nothing'"),
        ("a/b/c", "no model is called 'a/b/c'"),
    ],
)
def test_unknown_names(name: str, says: str) -> None:
    with pytest.raises(TokbenchError, match=says):
        resolve_model(name, offline=True)


def test_a_page_cannot_name_files_or_the_hub(tmp_path: Path) -> None:
    assert resolve_named("llama-7b").name == "llama-7b"
    for argument in (str(write(tmp_path)), "org/name"):
        with pytest.raises(TokbenchError, match="no model is called"):
            resolve_named(argument)


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a")
    path.write_text("[1]", "utf-8")
    refuse("model", "show", str(path), says="contains no JSON object")
    path.write_bytes(b"\xff")
    refuse("model", "show", str(path), says="is not UTF-8")
    path.write_text(" " * (1 << 24) + "{}", "utf-8")
    refuse("model", "show", str(path), says="is no config.json: it has 16,777,218 bytes")
    refuse("model", "show", str(write(tmp_path / "b", model_type="odd")), says="model_type 'odd' is not known")
    refuse("model", "show", str(tmp_path), says="has no config.json")
    os.mkfifo(tmp_path / "pipe")
    refuse("model", "show", str(tmp_path / "pipe"), says="pipe")


def test_show_of_any_model(tmp_path: Path) -> None:
    shown = json.loads(run("model", "show", "mixtral-8x7b", "--json").stdout)
    assert (shown["parameters"], shown["active_parameters"]) == (46_702_792_704, 12_879_925_248)
    assert (shown["experts"], shown["experts_per_token"], shown["tied_embeddings"]) == (8, 2, False)
    assert shown["kv_bytes_per_token_16_bit"] == 131_072
    assert shown["source"] == "https://arxiv.org/abs/2401.04088"
    text = run("model", "show", str(write(tmp_path / "pythia-70m"))).stdout
    assert f"{PARAMETERS:,}" in text
    assert "llama" in text
    assert "70,426,624" not in text


def test_list_of_other_families() -> None:
    rows = json.loads(run("model", "list", "--others", "--json").stdout)
    assert len(rows) == len(relatives()) >= 100
    assert {"LLaMA", "OpenLLaMA", "MPT", "OPT", "GPT-Neo", "RedPajama-INCITE", "Qwen3", "RWKV-4"} <= {
        row["family"] for row in rows
    }
    assert all(row["active"] <= row["parameters"] for row in rows)
    assert len(json.loads(run("model", "list", "--json").stdout)) == 16


def test_dead_rows_count_a_shared_matrix_once() -> None:
    tied, untied = (resolve_model(name) for name in ("gpt2", "pythia-160m"))
    assert tied.architecture.width == untied.architecture.width == 768
    from tokbench.pythia.model.arithmetic import row_parameters

    assert row_parameters(untied.architecture) == 2 * row_parameters(tied.architecture) == 2 * 768
    assert find_model("160m").vocab_multiple == untied.vocab_multiple
