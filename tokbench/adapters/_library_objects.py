"""Tokenizers that the user made with a library: copied as they are, and run as that library's files are.

A library is recognised by the module of the object's type, so that none is imported that is not in use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from tokbench.adapters._failures import explain_bare
from tokbench.adapters._protocol import Tokenizer
from tokbench.catalog.entries import Entry, find_by_sha256
from tokbench.catalog.rank_files import RankFile, format_ranks
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    import sentencepiece
    import tiktoken
    import tokenizers
    import transformers

LibraryTokenizer: TypeAlias = (
    "tokenizers.Tokenizer | tiktoken.Encoding | sentencepiece.SentencePieceProcessor"
    " | transformers.PreTrainedTokenizerFast"
)
"""A tokenizer of one of the libraries that are read."""

ORIGIN = "object"
_SHORT = 8
_KNOWN = "a tokenizers.Tokenizer, a fast tokenizer of transformers, a tiktoken.Encoding, a SentencePieceProcessor"


def find_library(candidate: object) -> str | None:
    """Return the library that an object's class, or a class that it derives from, belongs to; None for others."""
    modules = [base.__module__.partition(".")[0] for base in type(candidate).__mro__]
    return next((module for module in modules if module in _COPIERS), None)


def is_tokenizer(candidate: object) -> TypeGuard[Tokenizer]:
    """Tell whether an object is a tokenizer of tokbench's own, by the calls that no library's has."""
    return hasattr(candidate, "token_table") and hasattr(candidate, "encode_batch")


def adopt_tokenizer(candidate: Tokenizer | LibraryTokenizer, name: str | None = None) -> Tokenizer:
    """Return a tokenizer of tokbench's own as it is, and that of a library as a copy that tokbench runs.

    name: its label; by default `name_or_path` of transformers, the name of an Encoding, else library and hash.
    The object is not changed. Raises TypeError for anything else, TokbenchError for what cannot be copied.
    """
    if is_tokenizer(candidate):
        if name is not None:
            raise TypeError("a tokenizer that is loaded has its name; name it when you load it")
        return candidate
    library = find_library(candidate)
    if library is None:
        kind = f"{type(candidate).__module__}.{type(candidate).__qualname__}"
        raise TypeError(f"a tokenizer should be a name, a path, or {_KNOWN}, not {kind}")
    return _COPIERS[library](candidate, name)


def describe_object(library: str, file_format: str, sha256: str, name: str | None, entry: Entry | None) -> Asset:
    """Describe an object as files are: by the hash of its serialised form."""
    label = name or f"{library}-{sha256[:_SHORT]}"
    return Asset(label, file_format, (), sha256, ORIGIN, entry and keep_description(entry))


def keep_description(entry: Entry) -> Entry:
    """Return what is known of a vocabulary, without sizes and rules: those of an object are its own."""
    bare = entry.without_facts()
    return replace(
        bare,
        licence=entry.licence,
        vocab_rows=entry.vocab_rows,
        context_window=entry.context_window,
        pattern=None,
        normalizer=None,
        wrapper=None,
    )


def copy_tokenizers(candidate: Any, name: str | None) -> Tokenizer:
    """Copy a `tokenizers.Tokenizer`, or one of that library's ready-made pipelines, through its JSON."""
    import tokenizers

    from tokbench.adapters.huggingface import HuggingFaceTokenizer

    def explain(error: Exception) -> TokbenchError:
        return TokbenchError(
            f"the tokenizers.Tokenizer cannot be copied ({error})", "use parts that the library can save"
        )

    with explain_bare(explain):  # raised for a part that is written in Python
        serialised = candidate.to_str()
    sha256 = hashlib.sha256(serialised.encode()).hexdigest()
    asset = describe_object("tokenizers", "tokenizer.json", sha256, name, find_by_sha256(sha256))
    return HuggingFaceTokenizer(asset, tokenizers.Tokenizer.from_str(serialised))


def copy_transformers(candidate: Any, name: str | None) -> Tokenizer:
    """Copy the pipeline of a fast tokenizer of transformers: what its Python code does around it is not copied."""
    pipeline = getattr(candidate, "backend_tokenizer", None)
    if pipeline is None:
        kind = type(candidate).__name__
        raise TokbenchError(
            f"a {kind} of transformers is not a fast tokenizer", "give its fast counterpart, or the path of its files"
        )
    return copy_tokenizers(pipeline, name or name_model(str(candidate.name_or_path or "")))


def name_model(name_or_path: str) -> str | None:
    """Return an id of the hub as it is, of a folder its name; None for neither.

    >>> name_model("org/model"), name_model("/home/me/model"), name_model("")
    ('org/model', 'model', None)
    """
    path = Path(name_or_path)
    is_path = path.is_absolute() or path.exists() or name_or_path.count("/") > 1
    return (path.resolve().name if is_path and name_or_path else name_or_path) or None


def copy_tiktoken(candidate: Any, name: str | None) -> Tokenizer:
    """Copy a `tiktoken.Encoding` through its ranks, pattern and special tokens.

    The hash is that of its rank file where the catalogue knows this file and splits by the same pattern, else that of
    ranks, pattern and special tokens.
    """
    from tokbench.adapters.tiktoken import TiktokenTokenizer

    ranks: dict[bytes, int] = dict(candidate._mergeable_ranks)
    special: dict[str, int] = dict(candidate._special_tokens)
    pattern: str = candidate._pat_str
    sha256 = hashlib.sha256(format_ranks(sorted(ranks.items(), key=lambda item: item[1]))).hexdigest()
    entry = find_by_sha256(sha256)
    if entry is None or entry.pattern != pattern:
        entry = None
        facts = json.dumps([sha256, pattern, sorted(special.items())])
        sha256 = hashlib.sha256(facts.encode()).hexdigest()
    asset = describe_object("tiktoken", "tiktoken", sha256, name or candidate.name, entry)
    return TiktokenTokenizer(asset, RankFile(ranks, pattern, total=candidate.n_vocab, special=special))


def copy_sentencepiece(candidate: Any, name: str | None) -> Tokenizer:
    """Copy a `sentencepiece.SentencePieceProcessor` through its serialised model, without sampling and options."""
    from tokbench.adapters.sentencepiece import SentencePieceTokenizer

    model: bytes = candidate.serialized_model_proto()
    if not model:
        raise TokbenchError("the SentencePieceProcessor cannot be copied: it holds no model", "load one first")
    sha256 = hashlib.sha256(model).hexdigest()
    asset = describe_object("sentencepiece", "sentencepiece", sha256, name, find_by_sha256(sha256))
    return SentencePieceTokenizer(asset, model)


_COPIERS: Mapping[str, Callable[[Any, str | None], Tokenizer]] = {
    "tokenizers": copy_tokenizers,
    "transformers": copy_transformers,
    "tiktoken": copy_tiktoken,
    "sentencepiece": copy_sentencepiece,
}
