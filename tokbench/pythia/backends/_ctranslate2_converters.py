"""Convert checkpoints of other families by CTranslate2's own converters, which run transformers on torch."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tokbench._shared.visible_text import reveal
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.backends import UnsupportedCheckpointError
from tokbench.pythia.backends._ctranslate2_library import import_ctranslate2
from tokbench.pythia.backends._ctranslate2_spec import list_vocabulary
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.ctranslate2_reading import CONTEXT_KEY, WEIGHTS_KEY

_CHECKED = 16
"""Tokens whose logits are compared after a conversion."""
_EXACT, _ROUNDED = 0.02, 0.25
"""Relative errors of logits that floats of 16 bits and integers of 8 bits stay below."""

_PURPOSE = "converting {} to CTranslate2 by its own converters"


def check_family(checkpoint: Checkpoint) -> None:
    """Raise UnsupportedCheckpointError for a family without a converter.

    And MissingExtraError if transformers or torch, which converters run, are not installed.
    """
    for library in ("torch", "transformers"):
        if find_spec(library) is None:
            raise MissingExtraError(library, "transformers", _PURPOSE.format(checkpoint.name))
    import_ctranslate2("running a model with CTranslate2")
    from ctranslate2.converters import transformers as converters
    from transformers import CONFIG_MAPPING

    family = checkpoint.architecture.family
    kind = CONFIG_MAPPING[family].__name__ if family in CONFIG_MAPPING else None
    if kind not in converters._MODEL_LOADERS:
        raise UnsupportedCheckpointError(
            f"{checkpoint.name}: ctranslate2 has no converter for the model_type {reveal(family)[:60]}",
            "use the backend transformers, or a GGUF file with the backend llamacpp",
        )


@dataclass(frozen=True)
class _Vocabulary:
    """What a converter asks a tokenizer for: the tokens by id, and the three that CTranslate2 needs to know."""

    tokens: list[str]
    bos_token: str
    eos_token: str
    unk_token: str

    def get_vocab(self) -> Mapping[str, int]:
        return {token: number for number, token in enumerate(self.tokens)}


def convert_with_transformers(checkpoint: Checkpoint, stored: str, folder: Path) -> None:
    """Write a checkpoint as a CTranslate2 folder in the type `stored`.

    The whole model is in memory once in its own type, and once in the new one. Raises UnsupportedCheckpointError if the
    converter refuses the model, or if the logits of the converted model differ from those of transformers. Rounding to
    int8 would hide differences, so a model in that type is first converted and compared in float32.
    """
    check_family(checkpoint)
    _unhide_torch()
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers.utils import logging

    vocabulary = _read_vocabulary(checkpoint)
    ids = [7 * i % len(vocabulary.tokens) for i in range(1, 1 + min(_CHECKED, checkpoint.architecture.context - 1))]
    expected: list[npt.NDArray[np.float32]] = []

    class Converter(TransformersConverter):  # type: ignore[misc]  # the library has no types
        def load_model(self, model_class: Any, model_name_or_path: str, **kwargs: Any) -> Any:
            model, loading = model_class.from_pretrained(
                model_name_or_path, local_files_only=True, output_loading_info=True, **kwargs
            )
            if loading["missing_keys"]:
                raise ValueError(f"the tensor {min(loading['missing_keys'])} is missing")
            with torch.inference_mode():
                expected.append(model.eval()(torch.tensor([ids])).logits[0].float().numpy())
            return model

        def load_tokenizer(self, tokenizer_class: Any, model_name_or_path: str, **kwargs: Any) -> _Vocabulary:
            return vocabulary

    def convert(kind: str, target: Path, most: float) -> None:
        try:
            Converter(str(checkpoint.path)).convert(str(target), quantization=kind, force=True)
            error = _compare(target, kind, ids, expected[0])
        except (ValueError, NotImplementedError, KeyError, AttributeError, TypeError, RuntimeError) as refusal:
            raise _refuse(checkpoint, reveal(str(refusal).partition("\n")[0])[:200]) from refusal
        if not error < most:
            raise _refuse(checkpoint, f"the logits of the result differ by {error:.2g} from those of transformers")

    cast("Any", logging).disable_progress_bar()  # without types, and not installed everywhere
    if stored.startswith("int8"):
        with tempfile.TemporaryDirectory(prefix="tokbench-") as exact:
            convert("float32", Path(exact), _EXACT)
    convert(stored, folder, _ROUNDED if stored.startswith("int8") else _EXACT)
    written = folder / "config.json"
    marks = {WEIGHTS_KEY: checkpoint.weights, CONTEXT_KEY: checkpoint.architecture.context}
    written.write_text(json.dumps(json.loads(written.read_text("utf-8")) | marks, indent=2), "utf-8")


def _unhide_torch() -> None:
    """Give CTranslate2 the libraries that it looks for when it is imported, which our own conversion hides from it."""
    import huggingface_hub
    import torch
    import transformers
    from ctranslate2.converters import transformers as converters
    from ctranslate2.specs import model_spec

    for module in (converters, model_spec):
        vars(module).update(
            torch=torch, transformers=transformers, huggingface_hub=huggingface_hub, torch_is_available=True
        )


def _refuse(checkpoint: Checkpoint, reason: str) -> UnsupportedCheckpointError:
    message = f"{checkpoint.name}: ctranslate2's own converter fails on this model: {reason}"
    return UnsupportedCheckpointError(message, "use the backend transformers")


def _compare(folder: Path, stored: str, ids: list[int], expected: npt.NDArray[np.float32]) -> float:
    """Return the relative error of a converted model's logits, each row up to a constant."""
    import ctranslate2

    kind = "int8" if stored.startswith("int8") else "float32"
    generator = ctranslate2.Generator(str(folder), device="cpu", compute_type=kind)
    found = np.array(generator.forward_batch([ids]).to(ctranslate2.DataType.float32))[0]
    if found.shape != expected.shape:
        raise ValueError(f"it has logits of the shape {found.shape}, transformers {expected.shape}")
    ours, theirs = (scores - scores.mean(-1, keepdims=True) for scores in (found, expected))
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def _read_vocabulary(checkpoint: Checkpoint) -> _Vocabulary:
    config = json.loads((checkpoint.path / "config.json").read_text("utf-8"))
    tokens = list_vocabulary(checkpoint)
    ends = config.get("eos_token_id")
    end = ends[0] if isinstance(ends, list) and ends else ends
    if end is not None and (type(end) is not int or not 0 <= end < len(tokens)):
        raise TokbenchError(
            f"{checkpoint.path}: eos_token_id is {reveal(repr(end))[:60]}, expected an id below {len(tokens)}"
        )
    special = tokens[end or 0]
    return _Vocabulary(tokens, special, special, special)
