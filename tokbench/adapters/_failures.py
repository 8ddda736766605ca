"""What an engine raises while it works, as one line that names the tokenizer and the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TypeAlias, TypeVar

import numpy as np

from tokbench.adapters._encoding import EncodedBatch
from tokbench.catalog.sources import Asset
from tokbench.errors import EngineError, TokbenchError

R = TypeVar("R")
Items: TypeAlias = Sequence[str] | EncodedBatch

SHOWN = 60
"""Characters of a text, or ids of a sequence, that an error shows."""

_NO_UNKNOWN = re.compile(r"unk_id. is missing|Missing \[UNK\] token|[Uu]nk token .* not found")
"""What tokenizers says, by kind of model, where the vocabulary lacks the unknown token that it needs."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def is_engine_failure(error: BaseException) -> bool:
    """Return whether a library gave up on its input, judging by the type of what it raised.

    ValueError and RuntimeError are what engines raise on purpose; tokenizers raises the bare `Exception`.
    """
    return is_panic(error) or type(error) is Exception or isinstance(error, ValueError | RuntimeError)


def is_panic(error: BaseException | None) -> bool:
    """Tell whether a Rust extension panicked: a `BaseException` of a class that cannot be imported."""
    return (type(error).__module__, type(error).__name__) == ("pyo3_runtime", "PanicException")


@contextmanager
def explain_loading(asset: Asset) -> Iterator[None]:
    """Raise what an engine raises while it reads files as one line that names the tokenizer and the file."""
    try:
        yield
    except TokbenchError:
        raise
    except BaseException as error:
        if not is_engine_failure(error) and not isinstance(error, OverflowError):
            raise
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        file = asset.files[0] if asset.files else asset.name
        raise EngineError(asset.name, f"load {file}", reason, "download it again, or leave it out") from error


@contextmanager
def explain_bare(explain: Callable[[Exception], TokbenchError], *others: type[Exception]) -> Iterator[None]:
    """Raise what `explain` returns for errors of tokenizers, which raises the bare `Exception` for any bad input.

    others: classes that mean the same. Classes are compared exactly: a subclass, and any other error, is a fault of the
    program and passes unchanged.
    """
    try:
        yield
    except Exception as error:
        if type(error) not in (Exception, *others):
            raise
        raise explain(error) from error


def shorten(text: str) -> str:
    r"""Quote the beginning of a text, with nothing invisible in it.

    >>> shorten("a\u00a0b"), shorten("x" * 61)[-25:]
    ("'a\\xa0b'", "xxxx'... of 61 characters")
    """
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}... of {len(text):,} characters"


def explain_failure(tokenizer: str, engine: str, item: str | Sequence[int] | None, error: BaseException) -> EngineError:
    """Say which tokenizer gave up on which text, or on which ids."""
    reason = (str(error) or type(error).__name__).partition("\n")[0]
    hint = f"{engine} gives up on it: leave it out, or name another engine"
    if _NO_UNKNOWN.search(reason):
        reason, hint = "the tokenizer has no unknown token and the text needs one", "leave the text out"
    if item is None:
        return EngineError(tokenizer, "encode these texts", reason, hint)
    if isinstance(item, str):
        return EngineError(tokenizer, f"encode {shorten(item)}", reason, hint, text=item)
    return EngineError(tokenizer, f"decode the ids {' '.join(map(str, item[:SHOWN]))}", reason, hint)


def find_surrogate(items: Items) -> str | None:
    """Return the first text that is not valid Unicode, which engines refuse in their own ways."""
    texts = () if isinstance(items, EncodedBatch) else items
    return next((text for text in texts if isinstance(text, str) and _SURROGATE.search(text)), None)


class Guarded:
    """A tokenizer whose engine's failures are raised as `EngineError`.

    A bare string where a sequence of texts is due raises TypeError: each character would pass for a text.
    The methods that call the engine are wrapped once, when a subclass defines them; the cost is one frame per batch.
    After a failure the items are tried one by one, to name the first that fails.
    """

    name: str
    engine: str

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("encode_batch", "encode_located", "encode_with_special", "count_batch", "spans", "decode_batch"):
            method = cls.__dict__.get(name)
            if method is not None and not getattr(method, "__isabstractmethod__", False):
                setattr(cls, name, _guard(method))


def _guard(method: Callable[[Guarded, Items], R]) -> Callable[[Guarded, Items], R]:
    @wraps(method)
    def call(tokenizer: Guarded, items: Items) -> R:
        if isinstance(items, str):
            raise TypeError("texts should be a sequence of strings, not one string; encode and count take one text")
        try:
            return method(tokenizer, items)
        except BaseException as error:
            if isinstance(error, TypeError | UnicodeEncodeError) and (broken := find_surrogate(items)) is not None:
                reason = "it contains a lone surrogate, which is not a character"
                task = f"encode {shorten(broken)}"
                raise EngineError(tokenizer.name, task, reason, "take it out", text=broken) from error
            if not is_engine_failure(error):
                raise
            item, failure = _find_failing(method, tokenizer, items, error)
            raise explain_failure(tokenizer.name, tokenizer.engine, item, failure) from error

    return call


def _find_failing(
    method: Callable[[Guarded, Items], R], tokenizer: Guarded, items: Items, error: BaseException
) -> tuple[str | Sequence[int] | None, BaseException]:
    """Find the first item that fails alone and its error; None and `error` if only the batch fails."""
    for item, single in _split(items):
        if len(items) == 1:
            return item, error  # not again: each panic prints its own lines
        try:
            method(tokenizer, single)
        except BaseException as own:
            if not is_engine_failure(own):
                raise
            return item, own
    return None, error


def _split(items: Items) -> Iterator[tuple[str | Sequence[int], Items]]:
    """Each text, or the ids of each, with the batch of it alone."""
    if isinstance(items, EncodedBatch):
        yield from ((ids.tolist(), EncodedBatch(ids, np.array([0, len(ids)]))) for ids in items)
    else:
        yield from ((text, [text]) for text in items)
