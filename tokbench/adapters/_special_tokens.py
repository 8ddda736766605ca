"""Special tokens that a tokenizer's own files add to every text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench.adapters._protocol import Tokenizer
from tokbench.catalog.companions import CONFIG, Companions, find_companions, read_companions
from tokbench.errors import TokbenchError

_FLAGS = ("add_bos_token", "add_eos_token")
_PAIRED = ("BertProcessing", "RobertaProcessing")


@dataclass(frozen=True)
class AddedSpecial:
    """How many special tokens are added to each text.

    count: None if no file says.
    source: the file and the key that say so; None if none does.
    """

    count: int | None = None
    source: str | None = None


def find_added_special(tokenizer: Tokenizer) -> AddedSpecial:
    """Find how many special tokens a tokenizer's files add to a single text.

    The post-processor of a tokenizer.json says so, else `add_bos_token` and `add_eos_token` of tokenizer_config.json.
    A tokenizer.json without a post-processor says nothing: the class that reads it may add tokens.

    Raises TokbenchError for a post-processor of an unknown form.
    """
    asset = tokenizer.asset
    if asset.format == "tokenizer.json":
        path = asset.files[0]
        processor = read_json_object(path).get("post_processor")
        if processor is not None:
            try:
                return AddedSpecial(count_added(processor), f"{path.name}, post_processor")
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise TokbenchError(
                    f"{path}: post_processor is of an unknown form", "check the file, or download it again"
                ) from error
    companions = find_settings(tokenizer)
    flags = {key: flag for key in _FLAGS if (flag := companions.flag(key)) is not None}
    if not flags:
        return AddedSpecial()
    return AddedSpecial(sum(flags.values()), f"{CONFIG}, {' and '.join(flags)}")


def find_settings(tokenizer: Tokenizer) -> Companions:
    """Read the companion files among a tokenizer's files, and beside the first."""
    files = tokenizer.asset.files
    return read_companions(dict.fromkeys([*files, *find_companions(files[0])])) if files else Companions()


def count_added(processor: Mapping[str, Any]) -> int:
    """Count the ids that a post-processor adds to a single text; ValueError for an unknown one."""
    kind = processor["type"]
    if kind == "Sequence":
        return sum(map(count_added, processor["processors"]))
    if kind == "ByteLevel":
        return 0
    if kind in _PAIRED:
        return 2
    if kind == "TemplateProcessing":
        added = [piece["SpecialToken"]["id"] for piece in processor["single"] if "SpecialToken" in piece]
        return sum(len(processor["special_tokens"][token]["ids"]) for token in added)
    raise ValueError(kind)
