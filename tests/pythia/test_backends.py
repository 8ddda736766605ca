"""Backends against a forward pass in numpy: the logits, the greedy tokens, and what would be wrong if they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.made import train_byte_level
from helpers.neox import GPT_NEOX, Variant, continue_greedily, forward, log_softmax, relative_error
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.backends import BACKENDS, Runner, run
from tokbench.pythia.backends._ctranslate2_library import needs_mkl
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.model.architecture import Architecture

SMALL = Architecture(layers=2, width=64, heads=4, vocab_rows=320, context=256)
IDS = [5, 9, 33, 77, 120, 300, 0, 44, 251, 13, 13, 199]
TOLERANCE = 1e-3
NEW_TOKENS = 8

LIBRARY = {"ctranslate2": "ctranslate2", "llamacpp": "xllamacpp", "transformers": "transformers"}


def needs(*libraries: str) -> pytest.MarkDecorator:
    missing = [library for library in libraries if find_spec(library) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


pytestmark = needs("safetensors")
EXACT = [
    pytest.param("ctranslate2", "float32", marks=needs("ctranslate2")),
    pytest.param("llamacpp", "f16", marks=needs("xllamacpp", "gguf")),
    pytest.param("transformers", "float32", marks=needs("transformers", "torch")),
]
MISTAKES = {
    "query-key-value order": Variant(heads_interleaved=False),
    "rotary on the whole head": Variant(rotary_width=SMALL.head_width),
    "no rotary": Variant(rotary_width=0),
    "adjacent rotary pairs": Variant(rotary_pairs_adjacent=True),
    "sequential residual": Variant(parallel_residual=False),
    "tied embeddings": Variant(tied=True),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return open_checkpoint(make(SMALL, tmp_path_factory.mktemp("models") / "small", seed=1))


@pytest.fixture
def runner(request: pytest.FixtureRequest, small: Checkpoint) -> Iterator[Runner]:
    backend, quantization = request.param
    loaded = run(small, backend, quantization, threads=1, batch=3)
    yield loaded
    loaded.close()


def on(*params: Any) -> pytest.MarkDecorator:
    """Run a test on the backends of EXACT; those that are not installed are skipped."""
    named = [pytest.param(param.values, id=param.values[0], marks=param.marks) for param in params]
    return pytest.mark.parametrize("runner", named, indirect=True)


exact = on(*EXACT)


# ---- the forward pass


@exact
def test_logits_agree_with_the_forward_pass(runner: Runner, small: Checkpoint) -> None:
    found = runner.logits(IDS)
    assert found.shape == (len(IDS), SMALL.vocab_rows)
    assert found.dtype == np.float32
    assert relative_error(found, forward(small, IDS)) < TOLERANCE


@exact
@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_of_a_converter_would_show(runner: Runner, small: Checkpoint, mistake: str) -> None:
    assert relative_error(runner.logits(IDS), forward(small, IDS, MISTAKES[mistake])) > 100 * TOLERANCE


@exact
def test_greedy_tokens_are_equal(runner: Runner, small: Checkpoint) -> None:
    expected = continue_greedily(small, IDS, NEW_TOKENS)
    assert runner.generate(IDS, NEW_TOKENS) == [expected]
    assert runner.generate(IDS, NEW_TOKENS, batch=3) == [expected] * 3
    assert runner.prefill(IDS) == expected[0]


@exact
def test_a_prompt_that_is_kept_gives_the_same_tokens(runner: Runner, small: Checkpoint) -> None:
    expected = continue_greedily(small, IDS, NEW_TOKENS)
    other = continue_greedily(small, IDS[:5], NEW_TOKENS)
    for batch in (1, 3, 1):
        for _ in range(2):
            assert runner.generate(IDS, NEW_TOKENS, batch, reuse=True) == [expected] * batch
    assert runner.generate(IDS[:5], NEW_TOKENS, reuse=True) == [other]
    assert runner.generate(IDS, NEW_TOKENS) == [expected]
    assert runner.generate([7], 1, reuse=True) == [continue_greedily(small, [7], 1)]


@exact
def test_a_prompt_of_one_token_and_one_that_fills_the_context(runner: Runner, small: Checkpoint) -> None:
    assert runner.prefill([7]) == continue_greedily(small, [7], 1)[0]
    full = [1 + i % 300 for i in range(SMALL.context - 1)]
    assert runner.prefill(full) == continue_greedily(small, full, 1)[0]
    with pytest.raises(TokbenchError, match="more than the context of 256"):
        runner.prefill([*full, 1])
    with pytest.raises(TokbenchError, match="empty"):
        runner.prefill([])


@on(EXACT[0], EXACT[2])
def test_scores_are_log_probabilities_of_the_given_tokens(runner: Runner, small: Checkpoint) -> None:
    expected = log_softmax(forward(small, IDS))[np.arange(len(IDS) - 1), IDS[1:]]
    np.testing.assert_allclose(runner.score(IDS), expected, rtol=1e-5)


@exact
def test_sequential_residual_and_other_rotary_fractions_are_converted_too(
    request: pytest.FixtureRequest, runner: Runner, tmp_path: Path
) -> None:
    backend, quantization = request.node.callspec.params["runner"]
    other = replace(SMALL, parallel_residual=False, rotary_fraction=0.5, layers=1)
    checkpoint = open_checkpoint(make(other, tmp_path / "other", seed=2))
    loaded = run(checkpoint, backend, quantization, threads=1)
    assert relative_error(loaded.logits(IDS), forward(checkpoint, IDS)) < TOLERANCE
    assert relative_error(loaded.logits(IDS), forward(checkpoint, IDS, Variant(parallel_residual=True))) > 0.1
    loaded.close()


# ---- quantised types: the error is that of the weights' own rounding


@needs("xllamacpp", "gguf")
@pytest.mark.parametrize(("kind", "bits"), [("q8_0", 8), ("q5_1", 5), ("q5_0", 5), ("q4_1", 4), ("q4_0", 4)])
def test_quantised_gguf_is_as_near_as_its_bits(small: Checkpoint, kind: str, bits: int) -> None:
    loaded = run(small, "llamacpp", kind, threads=1)
    error = relative_error(loaded.logits(IDS), forward(small, IDS))
    loaded.close()
    assert 2.0**-bits / 20 < error < 2.0**-bits * 6
    assert open_checkpoint(BACKENDS["llamacpp"].prepare(small, kind)).stored == kind


@needs("ctranslate2")
def test_int8_is_refused_where_ctranslate2_chose_before_us(small: Checkpoint) -> None:
    """It takes its linear algebra when it is imported: nothing that is set later would mend int8."""
    script = f"""
import ctranslate2
from tokbench.pythia.backends import _ctranslate2_library
_ctranslate2_library.needs_mkl = lambda *processor: True
from tokbench.pythia.backends import BACKENDS
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.errors import TokbenchError
small, backend = open_checkpoint({str(small.path)!r}), BACKENDS["ctranslate2"]
for kind in ("float32", "int8"):
    try:
        backend.load(backend.prepare(small, kind), kind, threads=1, context=8).close()
    except TokbenchError as error:
        print(kind, error)
"""
    environment = {name: value for name, value in os.environ.items() if name != "CT2_USE_MKL"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("int8 ctranslate2 was imported without CT2_USE_MKL: on this processor its int8 is")


@needs("ctranslate2")
def test_ctranslate2_is_told_without_a_trace_in_the_environment() -> None:
    script = """
import os
from tokbench.pythia.backends import _ctranslate2_library as library
library.needs_mkl = lambda *processor: True
told = []
library._use_mkl = library.ProcessSetting(lambda: told.append(1) or library.set_variable("CT2_USE_MKL", "1"))
library.import_ctranslate2("a test")
library.check_int8("cpu", "int8")
print(told, os.environ.get("CT2_USE_MKL"), library.name_linear_algebra())
"""
    environment = {name: value for name, value in os.environ.items() if name != "CT2_USE_MKL"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout in ("[1] None MKL\n", "[1] None None\n")  # the last of a processor that is not x86


@pytest.mark.parametrize(
    ("machine", "processor", "flags", "needed"),
    [
        ("x86_64", "AMD EPYC 9354", {"avx512_vnni", "avx2"}, False),
        ("x86_64", "AMD EPYC 7763", {"avx2"}, True),
        ("AMD64", "AMD64 Family 25 Model 33 Stepping 0, AuthenticAMD", set(), True),
        ("x86_64", "Intel(R) Xeon(R) Gold 6148", {"avx2"}, False),
        ("arm64", "Apple M3", set(), False),
    ],
)
def test_mkl_is_asked_for_where_one_dnn_is_wrong(machine: str, processor: str, flags: set[str], needed: bool) -> None:
    assert needs_mkl(machine, processor, flags) is needed


@needs("ctranslate2")
def test_int8_of_ctranslate2_is_near(small: Checkpoint) -> None:
    loaded = run(small, "ctranslate2", "int8", threads=1)
    assert loaded.settings["compute type"] == "int8_float32"
    assert 1e-4 < relative_error(loaded.logits(IDS), forward(small, IDS)) < 0.05
    loaded.close()


@needs("transformers", "torch")
def test_bfloat16_of_transformers_is_near(small: Checkpoint) -> None:
    loaded = run(small, "transformers", "bfloat16", threads=1)
    assert loaded.kv_bytes_per_value == 2
    assert relative_error(loaded.logits(IDS), forward(small, IDS)) < 0.03
    loaded.close()


# ---- what is carried through a conversion


@needs("ctranslate2")
def test_a_ctranslate2_folder_is_a_checkpoint_again(small: Checkpoint) -> None:
    folder = BACKENDS["ctranslate2"].prepare(small, "float32")
    again = open_checkpoint(folder)
    assert again.architecture == small.architecture
    assert (again.weights, again.stored, again.format) == ("random", "float32", "ctranslate2")
    assert BACKENDS["ctranslate2"].prepare(again, "int8") == folder
    with pytest.raises(TokbenchError, match="llamacpp does not run a checkpoint in the format ctranslate2"):
        BACKENDS["llamacpp"].prepare(again, "f16")


@needs("xllamacpp", "gguf")
def test_a_gguf_file_is_a_checkpoint_again(small: Checkpoint) -> None:
    again = open_checkpoint(BACKENDS["llamacpp"].prepare(small, "q5_1"))
    assert again.architecture == small.architecture
    assert (again.weights, again.stored, again.format) == ("random", "q5_1", "gguf")
    with pytest.raises(TokbenchError, match="holds q5_1, not q8_0"):
        BACKENDS["llamacpp"].prepare(again, "q8_0")
    loaded = run(again, "llamacpp", "q5_1", threads=1)
    assert len(loaded.generate(IDS, 2)[0]) == 2
    loaded.close()


@needs("ctranslate2", "gguf", "xllamacpp")
def test_the_vocabulary_of_a_tokenizer_json_is_written(tmp_path: Path) -> None:
    folder = make(SMALL, tmp_path / "named", seed=1)
    tokenizer = train_byte_level(300)
    tokenizer.save(str(folder / "tokenizer.json"))
    checkpoint = open_checkpoint(folder)
    expected = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    converted = BACKENDS["ctranslate2"].prepare(checkpoint, "float32")
    written = json.loads((converted / "vocabulary.json").read_text("utf-8"))
    assert written[: len(expected)] == expected
    assert len(written) == SMALL.vocab_rows

    from tokbench.adapters import load_tokenizer

    text = "the quick brown fox läuft"
    path = BACKENDS["llamacpp"].prepare(checkpoint, "f16")
    from gguf import GGUFReader

    reader = GGUFReader(path)
    tokens = reader.get_field("tokenizer.ggml.tokens")
    assert tokens is not None
    assert tokens.contents()[: len(expected)] == expected
    pre = reader.get_field("tokenizer.ggml.pre")
    assert pre is not None
    assert pre.contents() == "olmo"
    assert load_tokenizer(str(path)).encode_batch([text]).ids.tolist() == tokenizer.encode(text).ids
    loaded = run(checkpoint, "llamacpp", "f16", threads=1)
    assert relative_error(loaded.logits(IDS), forward(checkpoint, IDS)) < TOLERANCE
    loaded.close()


@needs("ctranslate2")
def test_a_vocabulary_larger_than_the_model_is_refused(tmp_path: Path) -> None:
    folder = make(SMALL, tmp_path / "large", seed=1)
    train_byte_level(400).save(str(folder / "tokenizer.json"))
    with pytest.raises(TokbenchError, match=r"the highest id is \d+, but the model has 320 rows"):
        BACKENDS["ctranslate2"].prepare(open_checkpoint(folder), "float32")


@needs("ctranslate2")
def test_conversions_are_cached_by_content(small: Checkpoint, tmp_path: Path) -> None:
    backend = BACKENDS["ctranslate2"]
    folder = backend.prepare(small, "float32")
    written = (folder / "model.bin").stat().st_mtime_ns
    assert backend.prepare(small, "float32") == folder
    assert (folder / "model.bin").stat().st_mtime_ns == written
    other = open_checkpoint(make(SMALL, tmp_path / "other", seed=3))
    assert backend.prepare(other, "float32") != folder
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


# ---- refusals


@needs("ctranslate2")
def test_types_that_a_backend_lacks_are_refused(small: Checkpoint) -> None:
    backend = BACKENDS["ctranslate2"]
    with pytest.raises(TokbenchError, match="ctranslate2 cannot run q4_0: q4_0 is run by llamacpp; it runs float32"):
        backend.prepare(small, "q4_0")
    with pytest.raises(TokbenchError, match="q4_2 cannot be run: ggml dropped the type"):
        backend.prepare(small, "q4_2")
    with pytest.raises(TokbenchError, match="no quantization is called 'int7'"):
        backend.prepare(small, "int7")
    lacking = {"float16", "bfloat16"} - set(backend.list_quantizations())
    for kind in sorted(lacking):
        with pytest.raises(TokbenchError, match=f"cannot run {kind}: not on cpu here"):
            backend.prepare(small, kind)


@needs("xllamacpp", "gguf")
def test_historic_types_are_refused_by_llama_cpp_too(small: Checkpoint) -> None:
    for kind in ("q4_3", "q4_0@1", "q8_0@1"):
        with pytest.raises(TokbenchError, match="cannot be run"):
            BACKENDS["llamacpp"].prepare(small, kind)


@needs("xllamacpp", "gguf")
def test_rows_that_are_no_whole_blocks_are_refused(tmp_path: Path) -> None:
    narrow = open_checkpoint(make(replace(SMALL, width=48, heads=3), tmp_path / "narrow"))
    with pytest.raises(TokbenchError, match="rows of 48 values are not whole blocks of 32 for q4_0"):
        BACKENDS["llamacpp"].prepare(narrow, "q4_0")


@needs("xllamacpp", "gguf")
def test_llama_cpp_says_that_a_file_is_damaged(small: Checkpoint, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(BACKENDS["llamacpp"].prepare(small, "f16").read_bytes()[:-50_000])
    with pytest.raises(TokbenchError, match=r"llama\.cpp cannot load"):
        BACKENDS["llamacpp"].load(damaged, "f16", threads=1, context=64)


def test_an_unknown_backend_and_the_known_ones() -> None:
    assert list(BACKENDS) == ["ctranslate2", "llamacpp", "transformers"]
    with pytest.raises(TokbenchError, match="did you mean 'llamacpp'"):
        BACKENDS["llama.cpp"]


@pytest.mark.parametrize("backend", LIBRARY)
def test_a_missing_library_names_its_extra(backend: str, small: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LIBRARY[backend], None)
    for module in ("torch",) if backend == "transformers" else ():
        monkeypatch.setitem(sys.modules, module, None)
    found = BACKENDS[backend]
    getattr(found.list_quantizations, "cache_clear", lambda: None)()
    with pytest.raises(MissingExtraError, match=rf"pip install 'tokbench\[{backend}\]'"):
        found.prepare(small, "float32")


@needs("ctranslate2", "gguf", "xllamacpp")
def test_neither_converter_imports_torch(small: Checkpoint, tmp_path: Path) -> None:
    """A module called torch lies in the way: whoever imports it is found out, torch installed or not."""
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was imported')\n", "utf-8")
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from tokbench.pythia.formats.opening import open_checkpoint;"
        "from tokbench.pythia.backends import run;"
        "c = open_checkpoint(sys.argv[1]);"
        "run(c, 'ctranslate2', 'int8', threads=1).close(); run(c, 'llamacpp', 'q4_0', threads=1).close();"
        "assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", code, str(small.path), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_default_variant_is_the_definition() -> None:
    assert Variant() == GPT_NEOX
