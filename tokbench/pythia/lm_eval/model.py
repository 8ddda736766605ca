"""A model class of the LM Evaluation Harness that runs checkpoints on tokbench's backends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs, postprocess_generated_text
from tqdm import tqdm

from tokbench._shared.environment import count_cores
from tokbench.adapters import EncodedBatch
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Backend, Device
from tokbench.pythia.backends._evaluation import require_evaluation, run_exactly
from tokbench.pythia.formats.pretrained import open_pretrained
from tokbench.pythia.formats.special_ids import read_special_ids
from tokbench.pythia.measure.score import choose_score_quantization, choose_windows, load_vocabulary
from tokbench.pythia.measure.windows import HarnessWindows

NEW_TOKENS = 256
"""Tokens generated where a task does not say how many, as in the harness's own classes."""

PIECE = 32
"""Tokens generated before stop sequences are looked for."""

Request = tuple[tuple[str, str] | None, list[int], list[int]]


class HarnessModel(TemplateLM):  # type: ignore[misc]
    """A checkpoint on a backend, one text at a time.

    Tokens, truncation, windows and the token before the first one are those of the harness's class `hf`.
    """

    def __init__(
        self,
        pretrained: str,
        backend: str = "ctranslate2",
        quantization: str | None = None,
        max_length: int | None = None,
        threads: int | None = None,
        revision: str | None = None,
        offline: bool = False,
        device: str | None = None,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
    ) -> None:
        """Load a model.

        pretrained: folder, GGUF file, org/name on the hub or name in the suite.
        quantization: weight type; by default float32, or the GGUF file's own.
        max_length: tokens that the model reads at most; by default its context, on llamacpp one less.
        threads: by default all cores.
        device: cpu or cuda.
        batch_size, max_batch_size: accepted, since the harness gives them; texts go one by one.

        Raises TokbenchError for random weights, and for what the backend cannot run.
        """
        super().__init__()
        found = BACKENDS[backend]
        place = choose_device(device, found)
        checkpoint = open_pretrained(str(pretrained), revision=revision, offline=offline)
        context = checkpoint.architecture.context
        self.special = read_special_ids(checkpoint)
        windows = choose_windows(
            context, backend, window=max_length, stride=None, bos=True, harness=True, special=self.special
        )
        assert isinstance(windows, HarnessWindows)
        self._windows = windows
        self.vocabulary = load_vocabulary(checkpoint, offline=offline)
        kind = quantization or choose_score_quantization(checkpoint, found.list_quantizations(place))
        loaded = run_exactly(
            checkpoint,
            backend,
            kind,
            threads=threads or count_cores(),
            context=windows.longest,
            device=place,
        )
        self.runner = require_evaluation(loaded, backend)

    @property
    def max_length(self) -> int:
        """Return the tokens that the model reads at most."""
        return self._windows.max_length

    @property
    def max_gen_toks(self) -> int:
        """Return the tokens to generate where a task does not say."""
        return NEW_TOKENS

    @property
    def eot_token_id(self) -> int:
        """Return the id of the end of a text, or of its beginning if the model has no end."""
        return next(iter(self.special.ends), self.special.prefix)

    @property
    def prefix_token_id(self) -> int:
        """Return the id that the first token of a text is predicted from."""
        return self.special.prefix

    @property
    def tokenizer_name(self) -> str:
        """Return the name of the tokenizer, for the harness's cache of requests."""
        return f"{self.vocabulary.name}-{self.vocabulary.asset.sha256[:16]}"

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """Encode a text, with what the tokenizer adds to it unless `add_special_tokens` is False."""
        ids: list[int] = self.vocabulary.encode_batch([string]).ids.tolist()
        return ids if add_special_tokens is False else self.special.wrap(ids)

    def tok_decode(self, tokens: Sequence[int]) -> str:
        """Decode ids to text; bytes that are no whole character become U+FFFD."""
        return self.vocabulary.decode_batch(EncodedBatch.from_lists([list(tokens)]))[0]

    def _loglikelihood_tokens(
        self, requests: Sequence[Request], disable_tqdm: bool = False, **_: Any
    ) -> list[tuple[float, bool]]:
        answers = []
        for texts, before, following in tqdm(requests, "Running loglikelihood requests", disable=disable_tqdm):
            if not 1 <= len(following) <= self.max_length:
                message = f"a continuation of {len(following)} tokens does not fit the {self.max_length} of the model"
                raise TokbenchError(message, "use a larger max_length, or another task")
            ids = [*before, *following][-self._windows.longest :]
            found = self.runner.score_end(ids, len(following))
            answer = (check_finite(float(found.log_probs.sum(dtype="float64"))), bool(found.greedy.all()))
            answers.append(answer)
            if texts is not None:
                self.cache_hook.add_partial("loglikelihood", texts, answer)
        return answers

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """Return the natural log probability of each whole text, in the harness's windows."""
        answers = []
        for request in tqdm(requests, "Running rolling requests", disable=disable_tqdm):
            (text,) = request.args
            windows = self._windows.split(self.tok_encode(text, add_special_tokens=False))
            nats = math.fsum(float(self.runner.score(part)[-new:].sum(dtype="float64")) for part, new in windows)
            answers.append(check_finite(nats))
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), answers[-1])
        return answers

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Continue each text greedily up to a stop sequence, the end of the text or the number of tokens."""
        answers = []
        for request in tqdm(requests, "Running generate_until requests", disable=disable_tqdm):
            text, wanted = request.args
            options = normalize_gen_kwargs(wanted, NEW_TOKENS)
            if options["do_sample"]:
                raise TokbenchError(
                    "the task samples, and tokbench generates greedily", "use --gen_kwargs do_sample=False"
                )
            most = options["max_gen_toks"]
            if most >= self.max_length:
                message = f"{most} new tokens leave no room in the {self.max_length} that the model reads"
                raise TokbenchError(message, "use --gen_kwargs max_gen_toks=N")
            stops = [stop for stop in handle_stop_sequences(options["until"], None) if stop]
            ids = self.tok_encode(text)[-(self.max_length - most) :] or [self.special.prefix]
            found = postprocess_generated_text(self._continue(ids, most, stops), stops, None)
            answers.append(found)
            self.cache_hook.add_partial("generate_until", (text, wanted), found)
        return answers

    def _continue(self, ids: list[int], most: int, stops: Sequence[str]) -> str:
        new: list[int] = []
        text = ""
        while len(new) < most and not any(stop in text for stop in stops):
            piece = min(PIECE, most - len(new))
            found = self.runner.complete([*ids, *new], piece, self.special.ends)
            new += found
            text = self.tok_decode(new)
            if len(found) < piece:
                break
        return text


def choose_device(name: str | None, backend: Backend) -> Device:
    """Return the device of a name that the harness gives; TokbenchError for others.

    `cuda:0`, which the harness gives where the user names none, is the CPU if the backend finds no CUDA device.
    """
    if name in (None, "cpu"):
        return "cpu"
    if name == "cuda":
        return "cuda"
    if name != "cuda:0":
        raise TokbenchError(f"tokbench has no device {name!r}", "use cpu or cuda")
    try:
        backend.list_quantizations("cuda")
    except TokbenchError:
        return "cpu"
    return "cuda"


def check_finite(value: float) -> float:
    """Return a log probability; TokbenchError if it is not a finite number."""
    if not math.isfinite(value):
        raise TokbenchError(
            "the model's probabilities are not finite numbers: weights are damaged or too large",
            "download the model again, or use another",
        )
    return value
