"""What a unigram model of `tokenizers` says of itself only in serialised form."""

from __future__ import annotations

import msgspec
from tokenizers import models


class UnigramSettings(msgspec.Struct):
    """A unigram model without its pieces: as Python objects, a quarter of a million of them take 100 MB."""

    unk_id: int | None
    byte_fallback: bool = False


def read_unigram(model: models.Unigram) -> UnigramSettings:
    """Return the settings of a unigram model."""
    return msgspec.json.decode(model.__getstate__(), type=UnigramSettings)
