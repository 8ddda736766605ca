"""Transformers on torch: any model that it has a class of its own for, on CPU and CUDA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tokbench._shared.visible_text import reveal
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.backends import (
    Device,
    Ids,
    OnToken,
    Runner,
    check_format,
    check_length,
    check_quantization,
)
from tokbench.pythia.backends._evaluation import ScoredEnd, check_end, cut_at_end, score_end_of_logits
from tokbench.pythia.formats.checkpoint import Checkpoint

LIBRARIES = ("transformers", "torch")

_TYPES = ("float32", "bfloat16", "float16")
_FILLER = 0  # asked for, and not used: sequences are of one length


def _import_torch() -> Any:
    try:
        import torch
        from transformers import AutoModelForCausalLM  # noqa: F401
    except ModuleNotFoundError as error:
        library = (error.name or "torch").partition(".")[0]
        raise MissingExtraError(library, "transformers", "running a model with transformers") from error
    return torch


def list_quantizations(device: Device = "cpu", checkpoint: Checkpoint | None = None) -> tuple[str, ...]:
    """List the types that torch runs on a device."""
    if checkpoint is not None:
        check_format("transformers", checkpoint, ("safetensors",))
    torch = _import_torch()
    if device == "cuda" and not torch.cuda.is_available():
        raise TokbenchError("torch finds no CUDA device on this machine", "use the device cpu")
    return _TYPES


def prepare(checkpoint: Checkpoint, quantization: str, device: Device = "cpu") -> Path:
    """Return the checkpoint's folder unchanged."""
    supported = list_quantizations(device, checkpoint)
    check_quantization("transformers", quantization, supported, "it has no such type")
    return checkpoint.path


def load(
    path: Path, quantization: str, *, threads: int, context: int, batch: int = 1, device: Device = "cpu"
) -> Runner:
    """Load a Hugging Face folder.

    Memory grows with the tokens in use, whatever `context` and `batch` are.
    """
    torch = _import_torch()
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    torch.set_num_threads(threads)
    cast("Any", logging).disable_progress_bar()  # without types, and not installed everywhere
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=getattr(torch, quantization),
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        reason = reveal(str(error).partition("\n")[0])[:200]
        raise TokbenchError(f"transformers cannot load {path}: {reason}", "use another backend") from error
    model, loading = loaded
    if loading["missing_keys"]:
        message = f"{path} lacks the tensor {reveal(min(loading['missing_keys']))[:80]}"
        raise TokbenchError(message, "transformers would fill it with random values: download the checkpoint again")
    return _TransformersRunner(torch, model.to(device).eval(), context)


class _TransformersRunner:
    def __init__(self, torch: Any, model: Any, context: int) -> None:
        self._torch = torch
        self._model = model
        self._context = context
        ends = model.config.get_text_config().eos_token_id
        listed = ends if isinstance(ends, list) else [] if ends is None else [ends]
        self._ends = [end for end in listed if 0 <= end < model.config.get_text_config().vocab_size]

    @property
    def settings(self) -> Mapping[str, str]:
        config = self._model.config
        return {"compute type": str(self._model.dtype).removeprefix("torch."), "mmap": "no", "re-packing": "none"} | {
            "attention": str(config._attn_implementation)
        }

    @property
    def kv_bytes_per_value(self) -> int:
        return int(self._model.dtype.itemsize)

    def _tensor(self, ids: Ids) -> Any:
        return self._torch.tensor([list(ids)], device=self._model.device)

    def prefill(self, ids: Ids) -> int:
        check_length(ids, 1, self._context, self._model.config.vocab_size)
        with self._torch.inference_mode():
            scores = self._model(self._tensor(ids), use_cache=True, logits_to_keep=1).logits[0, -1]
            scores[self._ends] = -self._torch.inf
            return int(scores.argmax())

    def logits(self, ids: Ids) -> npt.NDArray[np.float32]:
        check_length(ids, 0, self._context, self._model.config.vocab_size)
        with self._torch.inference_mode():
            scores: npt.NDArray[np.float32] = self._model(self._tensor(ids)).logits[0].float().cpu().numpy()
        return scores

    def score(self, ids: Ids) -> npt.NDArray[np.float32]:
        check_length(ids, 0, self._context, self._model.config.vocab_size)
        with self._torch.inference_mode():
            tensor = self._tensor(ids)
            chances = self._model(tensor).logits[0, :-1].float().log_softmax(-1)
            picked: npt.NDArray[np.float32] = chances.gather(1, tensor[0, 1:, None])[:, 0].cpu().numpy()
        return picked

    def generate(
        self,
        ids: Ids,
        new_tokens: int,
        batch: int = 1,
        *,
        reuse: bool = False,  # every call evaluates the prompt
    ) -> list[list[int]]:
        check_length(ids, new_tokens, self._context, self._model.config.vocab_size)
        sequences: list[list[int]] = self._continue([ids] * batch, new_tokens)[:, len(ids) :].tolist()
        return sequences

    def stream(self, prompts: Sequence[Ids], new_tokens: int, on_token: OnToken) -> None:
        for ids in prompts:
            check_length(ids, new_tokens, self._context, self._model.config.vocab_size)

        def report(ids: Any, scores: Any, **_: Any) -> Any:
            for number in range(len(prompts)):
                on_token(number)
            return self._torch.zeros(len(prompts), dtype=self._torch.bool, device=ids.device)

        self._continue(prompts, new_tokens, stopping_criteria=[report])

    def _continue(self, prompts: Sequence[Ids], new_tokens: int, **options: Any) -> Any:
        prompt = self._torch.tensor([list(ids) for ids in prompts], device=self._model.device)
        with self._torch.inference_mode():
            return self._model.generate(
                prompt,
                attention_mask=self._torch.ones_like(prompt),
                min_new_tokens=new_tokens,
                max_new_tokens=new_tokens,
                do_sample=False,
                eos_token_id=self._ends or None,
                pad_token_id=_FILLER,
                **options,
            )

    def score_end(self, ids: Ids, count: int) -> ScoredEnd:
        check_end(ids, count)
        read = ids[:-1]
        check_length(read, 0, self._context, self._model.config.vocab_size)
        with self._torch.inference_mode():
            scores = self._model(self._tensor(read), logits_to_keep=count).logits[0].float().cpu().numpy()
        return score_end_of_logits(scores, ids[-count:])

    def complete(self, ids: Ids, most: int, ends: Ids) -> list[int]:
        check_length(ids, most, self._context, self._model.config.vocab_size)
        prompt = self._tensor(ids)
        with self._torch.inference_mode():
            whole = self._model.generate(
                prompt,
                attention_mask=self._torch.ones_like(prompt),
                max_new_tokens=most,
                do_sample=False,
                eos_token_id=list(ends) or None,
                pad_token_id=_FILLER,
            )
        return cut_at_end(whole[0, len(ids) :].tolist(), ends)

    def close(self) -> None:
        on_gpu = self._model.device.type == "cuda"
        del self._model
        if on_gpu:
            self._torch.cuda.empty_cache()
