"""llama.cpp, through the xllamacpp wheel.

GGUF types on CPU, or on CUDA with a wheel built for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

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
from tokbench.pythia.backends._evaluation import ScoredEnd, check_end, cut_at_end
from tokbench.pythia.backends._gguf_writing import TYPES, VERSION, require_computation, write_gguf
from tokbench.pythia.backends._llamacpp_streaming import CERTAIN, find_whole_character, stream_answers
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.conversion import convert_once

LIBRARIES = ("xllamacpp", "gguf", "numpy")

CACHE_TYPES = ("f16", "q8_0", "q4_0")
"""Types of the key-value cache, the usual one first."""

_EXACT = "f32"
_FILE = "model.gguf"
_SILENT = -1
_SOME = 1000  # the best tokens, which hold most that are looked for, in a hundredth of the time of all
_EVERY = 1 << 30  # more tokens than any vocabulary has


def _import() -> Any:
    try:
        import xllamacpp
    except ModuleNotFoundError as error:
        raise MissingExtraError("xllamacpp", "llamacpp", "running a model with llama.cpp") from error
    return xllamacpp


def list_quantizations(device: Device = "cpu", checkpoint: Checkpoint | None = None) -> tuple[str, ...]:
    """List the weight types that are written and run; of a GGUF file, the one that it has."""
    if checkpoint is not None:
        check_format("llamacpp", checkpoint, ("safetensors", "gguf"))
        if checkpoint.format == "safetensors":
            require_computation(checkpoint)
    library = _import()
    kinds = [info["type"] for info in library.get_device_info()]
    if device == "cuda" and library.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_GPU not in kinds:
        hint = "use the device cpu, or install an xllamacpp wheel built for CUDA"
        raise TokbenchError("this llama.cpp finds no CUDA device", hint)
    return TYPES if checkpoint is None or checkpoint.format == "safetensors" else (checkpoint.stored,)


def prepare(checkpoint: Checkpoint, quantization: str, device: Device = "cpu") -> Path:
    """Return the GGUF file of a checkpoint in a type, writing it if necessary."""
    supported = list_quantizations(device, checkpoint)
    if checkpoint.format == "gguf":
        if quantization != checkpoint.stored:
            message = f"{checkpoint.path} holds {checkpoint.stored}, not {quantization}"
            raise TokbenchError(message, f"use {checkpoint.stored}, or a checkpoint in safetensors")
        return checkpoint.path
    check_quantization("llamacpp", quantization, supported, "it has no such type")
    folder = convert_once(
        checkpoint, "llamacpp", quantization, VERSION, lambda part: write_gguf(checkpoint, quantization, part / _FILE)
    )
    return folder / _FILE


def load(
    path: Path,
    quantization: str,
    *,
    threads: int,
    context: int,
    batch: int = 1,
    device: Device = "cpu",
    cache_type: str = CACHE_TYPES[0],
) -> Runner:
    """Load a GGUF file, memory-mapped.

    With a KV cache for `batch` sequences of `context` tokens, in one of `CACHE_TYPES`.

    The library runs its server in this process, bound to the loopback interface; requests bypass it.
    """
    return _load(path, threads, context, batch, device, cache_type)


def load_exact(path: Path, quantization: str, *, threads: int, context: int, device: Device = "cpu") -> Runner:
    """Load a GGUF file with a KV cache in float32, without flash attention, which rounds keys and values to float16.

    With weights in f32, log probabilities are then as exact as those of other backends, except for GELU, which is a
    table of 16-bit values.
    """
    return _load(path, threads, context, 1, device, _EXACT)


def _load(path: Path, threads: int, context: int, batch: int, device: Device, cache_type: str) -> Runner:
    library = _import()
    character = find_whole_character(path)
    params = library.CommonParams()
    params.model.path = str(path)
    params.n_ctx = context * batch
    params.n_parallel = batch
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_gpu_layers = -1 if device == "cuda" else 0
    params.load_mode = library.llama_load_mode.LLAMA_LOAD_MODE_MMAP
    params.fit_params = False
    params.cache_ram_mib = 0
    params.cache_prompt = False
    params.verbosity = _SILENT
    params.ui = params.use_jinja = params.enable_chat_template = False
    params.warmup = True
    if cache_type == _EXACT:
        params.flash_attn_type = library.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_type_k = params.cache_type_v = library.ggml_type[f"GGML_TYPE_{cache_type.upper()}"]
    try:
        server = library.Server(params)
    except RuntimeError as error:
        raise TokbenchError(f"llama.cpp cannot load {path}: {error}", "download or convert it again") from error
    runner = _LlamaCppRunner(server, context, cache_type, character)
    # A server closed before its loop has started waits forever: an answer shows that it has started.
    runner.prefill([character])
    return runner


class _LlamaCppRunner:
    def __init__(self, server: Any, context: int, cache_type: str, character: int) -> None:
        self._server = server
        self._context = context
        self._cache_type = cache_type
        self._character = character
        self._kept: tuple[int, ...] = ()

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "compute type": "by the file",
            "mmap": "yes",
            "re-packing": "on loading, where the processor has it",
            **({} if self._cache_type == CACHE_TYPES[0] else {"cache": self._cache_type}),
        }

    @property
    def kv_bytes_per_value(self) -> int:
        # Blocks of q8_0 and q4_0 take 1.06 and 0.56 bytes per value.
        return {"f32": 4, "f16": 2}.get(self._cache_type, 1)

    def prefill(self, ids: Ids) -> int:
        return self.generate(ids, 1)[0][0]

    def logits(self, ids: Ids) -> npt.NDArray[np.float32]:
        """Return natural log probabilities.

        Each prefix is evaluated from scratch: for checks, not for texts.
        """
        check_length(ids, 1, self._context)
        return np.stack([self._find_scores(ids[: end + 1]) for end in range(len(ids))])

    def _find_scores(self, ids: Ids) -> npt.NDArray[np.float32]:
        step = self._find_step(ids, self._character, _EVERY)
        scores = np.empty(len(step["top_logprobs"]), dtype=np.float32)
        for entry in step["top_logprobs"]:
            scores[entry["id"]] = entry["logprob"]
        return scores

    def _find_step(self, ids: Ids, forced: int, most: int, **options: object) -> dict[str, Any]:
        # Force the next token, and return its score and the `most` best ones, which are taken before the bias.
        # A token that ends within a character comes without scores: the answer is then empty.
        bias = [[forced, CERTAIN]]
        answer = self._ask(ids, 1, n_probs=most, logit_bias=bias, ignore_eos=False, verbose=False, **options)
        steps = (answer["choices"][0].get("logprobs") or {}).get("content") or [{}]
        return dict(steps[0])

    def score(self, ids: Ids) -> npt.NDArray[np.float32]:
        """Return the natural log probability of each id except the first.

        The API returns scores of new tokens only, so that tokens are read one by one, each after the cached ones: as
        slow as generating them.
        """
        if len(ids) == 1:
            return np.empty(0, np.float32)
        return self.score_end(ids, len(ids) - 1).log_probs

    def score_end(self, ids: Ids, count: int) -> ScoredEnd:
        check_end(ids, count)
        check_length(ids[:-1], 1, self._context)
        ends = range(len(ids) - count, len(ids))
        # The first step reads everything anew: results do not depend on earlier texts.
        found = [self._score_next(ids[:end], ids[end], cached=end > ends[0]) for end in ends]
        scores, best = zip(*found, strict=True)
        return ScoredEnd(np.array(scores, np.float32), np.array(best) == np.asarray(ids[-count:]))

    def _score_next(self, ids: Ids, following: int, *, cached: bool) -> tuple[float, int]:
        """Return the log probability of an id after others, and the most probable id."""
        step = self._find_step(ids, following, 1, cache_prompt=cached)
        if step:
            return step["logprob"], step["top_logprobs"][0]["id"]
        for most in (_SOME, _EVERY):
            top = self._find_step(ids, self._character, most, cache_prompt=True)["top_logprobs"]
            for entry in top:
                if entry["id"] == following:
                    return entry["logprob"], top[0]["id"]
        raise TokbenchError(f"llama.cpp gives no probability for the id {following}", "use the backend ctranslate2")

    def complete(self, ids: Ids, most: int, ends: Ids) -> list[int]:
        check_length(ids, most, self._context)
        found: list[int] = []
        # The file names ends of its own, at which llama.cpp stops: they are not all that count, nor do all of them.
        while len(found) < most and not set(found) & set(ends):
            new = self._ask([*ids, *found], most - len(found), ignore_eos=False)["__verbose"]["tokens"]
            if not new:
                break
            found += new
        return cut_at_end(found, ends)

    def generate(self, ids: Ids, new_tokens: int, batch: int = 1, *, reuse: bool = False) -> list[list[int]]:
        check_length(ids, new_tokens, self._context)
        if not reuse:
            return self._continue(ids, new_tokens, [{}] * batch)
        if (batch, *ids) != self._kept:
            # One evaluation of the prompt fills the caches of all slots.
            self._ask(ids, 1, cache_prompt=True, n_cmpl=batch, verbose=False)
            self._kept = (batch, *ids)
        return self._continue(ids, new_tokens, [{"cache_prompt": True, "id_slot": slot} for slot in range(batch)])

    def _continue(self, ids: Ids, new_tokens: int, options: Sequence[Mapping[str, object]]) -> list[list[int]]:
        def ask(more: Mapping[str, object]) -> list[int]:
            tokens: list[int] = self._ask(ids, new_tokens, **more)["__verbose"]["tokens"]
            return tokens

        if len(options) == 1:
            return [ask(options[0])]
        with ThreadPoolExecutor(len(options)) as pool:
            return list(pool.map(ask, options))

    def _ask(self, ids: Ids, new_tokens: int, **options: object) -> dict[str, Any]:
        answer: dict[str, Any] = self._server.handle_completions(
            {
                "prompt": list(ids),
                "n_predict": new_tokens,
                "samplers": ["top_k"],
                "top_k": 1,
                "ignore_eos": True,
                "cache_prompt": False,
                "return_tokens": True,
                "verbose": True,  # otherwise the answer has text but no ids
                **options,
            }
        )
        if "error" in answer:
            raise TokbenchError(
                f"llama.cpp: {answer['error']['message']}", "shorten the prompt, or load with more context"
            )
        return answer

    def stream(self, prompts: Sequence[Ids], new_tokens: int, on_token: OnToken) -> None:
        for ids in prompts:
            check_length(ids, new_tokens, self._context)
        self._kept = ()
        stream_answers(self._server, prompts, new_tokens, on_token, self._character)

    def close(self) -> None:
        del self._server
