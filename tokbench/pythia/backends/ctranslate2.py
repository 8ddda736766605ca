"""CTranslate2: int8 and floating point on CPU and CUDA.

GPT-NeoX and LLaMA-like models are converted without torch, others by CTranslate2's converters for transformers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.backends import (
    Device,
    Ids,
    OnToken,
    Runner,
    check_format,
    check_length,
    check_quantization,
)
from tokbench.pythia.backends._ctranslate2_converters import check_family, convert_with_transformers
from tokbench.pythia.backends._ctranslate2_library import check_int8, import_ctranslate2, name_linear_algebra
from tokbench.pythia.backends._ctranslate2_spec import TYPES, VERSION, choose_stored, write_folder
from tokbench.pythia.backends._evaluation import ScoredEnd, check_end, score_end_of_logits
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.conversion import convert_once

LIBRARIES = ("ctranslate2", "numpy")


def list_quantizations(device: Device = "cpu", checkpoint: Checkpoint | None = None) -> tuple[str, ...]:
    """List the weight types that CTranslate2 runs on this device of this machine."""
    if checkpoint is not None:
        check_format("ctranslate2", checkpoint, ("safetensors", "ctranslate2"))
        if checkpoint.computation is None:
            check_family(checkpoint)
    return _list_types(device)


@cache
def _list_types(device: Device) -> tuple[str, ...]:
    library = import_ctranslate2("running a model with CTranslate2")
    if device == "cuda" and library.get_cuda_device_count() == 0:
        raise TokbenchError("CTranslate2 finds no CUDA device on this machine", "use the device cpu")
    supported = library.get_supported_compute_types(device)
    return tuple(kind for kind in TYPES if kind in supported)


def prepare(checkpoint: Checkpoint, quantization: str, device: Device = "cpu") -> Path:
    """Return the CTranslate2 folder of a checkpoint in a type.

    Converts it if necessary.
    """
    supported = list_quantizations(device, checkpoint)
    reason = f"not on {device} here" if quantization in TYPES else "it has no such type"
    check_quantization("ctranslate2", quantization, supported, reason)
    if checkpoint.format == "ctranslate2":
        return checkpoint.path
    stored = choose_stored(quantization, checkpoint)
    ours = checkpoint.computation is not None
    write, maker = (write_folder, "ctranslate2") if ours else (convert_with_transformers, "ctranslate2-transformers")
    return convert_once(checkpoint, maker, stored, VERSION, lambda folder: write(checkpoint, stored, folder))


def load(
    path: Path, quantization: str, *, threads: int, context: int, batch: int = 1, device: Device = "cpu"
) -> Runner:
    """Load a CTranslate2 folder.

    Memory grows with the tokens in use, whatever `context` and `batch` are.
    """
    library = import_ctranslate2("running a model with CTranslate2")
    check_int8(device, quantization)
    try:
        generator = library.Generator(
            str(path), device=device, compute_type=quantization, inter_threads=1, intra_threads=threads
        )
    except (RuntimeError, ValueError) as error:
        raise TokbenchError(f"CTranslate2 cannot load {path}: {error}", "convert the checkpoint again") from error
    return _CTranslate2Runner(generator, json.loads((path / "vocabulary.json").read_text("utf-8")), context)


class _CTranslate2Runner:
    def __init__(self, generator: Any, tokens: list[str], context: int) -> None:
        self._generator = generator
        self._tokens = tokens
        self._context = context

    @property
    def settings(self) -> Mapping[str, str]:
        library = name_linear_algebra() if self._generator.device == "cpu" else None
        return {
            "compute type": self._generator.compute_type,
            "mmap": "no",
            "re-packing": "none",
            **({} if library is None else {"linear algebra": library}),
        }

    @property
    def kv_bytes_per_value(self) -> int:
        return 4 if self._generator.compute_type.endswith("float32") else 2

    def prefill(self, ids: Ids) -> int:
        return self.generate(ids, 1)[0][0]

    def logits(self, ids: Ids) -> npt.NDArray[np.float32]:
        import ctranslate2

        check_length(ids, 0, self._context, len(self._tokens))
        try:
            scores = self._generator.forward_batch([list(ids)])
        except (RuntimeError, ValueError) as error:
            message = f"CTranslate2 cannot evaluate {len(ids)} tokens at once: {error}"
            raise TokbenchError(message, "shorten the text, or use the backend transformers") from error
        on_cpu = scores.to(ctranslate2.DataType.float32).to_device(ctranslate2.Device.cpu)
        array: npt.NDArray[np.float32] = np.array(on_cpu)
        scores_of_text: npt.NDArray[np.float32] = array[0]
        return scores_of_text

    def score(self, ids: Ids) -> npt.NDArray[np.float32]:
        check_length(ids, 0, self._context, len(self._tokens))
        (result,) = self._generator.score_batch([self._spell(ids)], max_input_length=0)
        return np.array(result.log_probs, dtype=np.float32)

    def generate(self, ids: Ids, new_tokens: int, batch: int = 1, *, reuse: bool = False) -> list[list[int]]:
        check_length(ids, new_tokens, self._context, len(self._tokens))
        tokens = self._spell(ids)
        kept = len(tokens) - 1 if reuse else 0
        results = self._generator.generate_batch(
            [tokens[kept:]] * batch,
            static_prompt=tokens[:kept] or None,
            max_length=new_tokens,
            min_length=new_tokens,  # the end of text is never chosen before that
            include_prompt_in_result=False,
            sampling_topk=1,
        )
        return [result.sequences_ids[0] for result in results]

    def score_end(self, ids: Ids, count: int) -> ScoredEnd:
        check_end(ids, count)
        return score_end_of_logits(self.logits(ids[:-1])[-count:], ids[-count:])

    def complete(self, ids: Ids, most: int, ends: Ids) -> list[int]:
        check_length(ids, most, self._context, len(self._tokens))
        (result,) = self._generator.generate_batch(
            [self._spell(ids)],
            max_length=most,
            include_prompt_in_result=False,
            sampling_topk=1,
            end_token=list(ends),
        )
        found: list[int] = result.sequences_ids[0]
        return found

    def stream(self, prompts: Sequence[Ids], new_tokens: int, on_token: OnToken) -> None:
        for ids in prompts:
            check_length(ids, new_tokens, self._context, len(self._tokens))

        def report(step: Any) -> bool:
            on_token(step.batch_id)
            return False

        self._generator.generate_batch(
            [self._spell(ids) for ids in prompts],
            max_length=new_tokens,
            min_length=new_tokens,
            sampling_topk=1,
            callback=report,
        )

    def _spell(self, ids: Ids) -> list[str]:
        return [self._tokens[number] for number in ids]

    def close(self) -> None:
        self._generator.unload_model()
