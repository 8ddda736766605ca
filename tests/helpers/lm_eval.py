"""The LM Evaluation Harness's own model class on a small checkpoint, and requests to it."""

from __future__ import annotations

from typing import Any

from tokbench.pythia.formats.checkpoint import Checkpoint


def instance(*arguments: Any, kind: str = "loglikelihood_rolling") -> Any:
    from lm_eval.api.instance import Instance

    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)


def open_with_hf(checkpoint: Checkpoint, **options: Any) -> Any:
    """Open a checkpoint as `--model hf`, in float32 on one device."""
    from lm_eval.models.huggingface import HFLM
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(checkpoint.tokenizer), eos_token="<|endoftext|>", bos_token="<|endoftext|>"
    )
    return HFLM(
        pretrained=str(checkpoint.path), tokenizer=tokenizer, dtype="float32", device="cpu", batch_size=1, **options
    )
