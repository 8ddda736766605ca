"""A tokenizer that cuts a text where a test says."""

from __future__ import annotations

import re
from pathlib import Path

from tokenizers import Regex, models, pre_tokenizers
from tokenizers import Tokenizer as Library

from tokbench.adapters import Tokenizer, load_tokenizer


def cut_as(pieces: str, folder: Path) -> Tokenizer:
    """A tokenizer whose tokens are the pieces between bars, as in `walk|ed`, and which takes the longest that fits."""
    listed = pieces.split("|")
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(["<unk>", *listed]))}
    tokenizer = Library(models.WordLevel(vocab, unk_token="<unk>"))
    pattern = "|".join(re.escape(piece) for piece in sorted({*listed}, key=len, reverse=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    path = folder / "cut.json"
    tokenizer.save(str(path))
    found = load_tokenizer(str(path))
    assert [found.token_bytes(number) for number in found.encode("".join(listed))] == [p.encode() for p in listed]
    return found
