"""Vocabularies in GGUF files, rebuilt for the engine that gives llama.cpp's ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Pipeline

from tokbench.adapters._failures import explain_bare
from tokbench.adapters._gguf_pieces import build_sentencepiece, build_wordpiece, finish
from tokbench.adapters._gguf_splits import SPLITS, Split
from tokbench.adapters._gguf_vocabulary import NORMAL, UNUSED, USER_DEFINED, Vocabulary, read_field, read_vocabulary
from tokbench.adapters._hf_pipelines import byte_level_pipeline
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters._reference import check_format
from tokbench.adapters.huggingface import printable_bytes
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

REFERENCE_FOR = frozenset({"gguf"})

_SPACE = "\u2581"
_OTHER_FILE = "give its tokenizer.json or tokenizer.model instead"


def build_bpe(asset: Asset, vocabulary: Vocabulary) -> Tokenizer:
    """Build BPE by merges, over bytes or (`gemma4`) over characters.

    Rows that are not tokens are left out.
    """
    split = _find_split(vocabulary)
    _check_overlaps(vocabulary)
    vocab = {token: number for number, token in enumerate(vocabulary.tokens) if vocabulary.types[number] != UNUSED}
    merges = dict.fromkeys(map(_cut_merge, read_field(vocabulary.path, vocabulary.fields, "merges", list)))
    model = models.BPE(vocab, list(merges), ignore_merges=split.ignore_merges, byte_fallback=not split.byte_level)
    if split.byte_level:
        normalizer = asset.entry.normalizer if asset.entry else None
        pipeline = byte_level_pipeline(model, split.patterns, normalizer)
        _drop_missing_bytes(pipeline, vocab)
        return finish(asset, vocabulary, pipeline)
    pipeline = Pipeline(model)
    pipeline.normalizer = normalizers.Replace(" ", _SPACE)
    pipeline.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in split.patterns]
    )
    pipeline.decoder = decoders.Sequence([decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    _check_line_feeds(vocabulary, pipeline)
    return finish(asset, vocabulary, pipeline)


def _drop_missing_bytes(pipeline: Pipeline, vocab: Mapping[str, int]) -> None:
    """Drop bytes without a token.

    They give no id but, in llama.cpp, still separate what is on both sides.
    """
    missing = "".join(character for character in printable_bytes() if character not in vocab)
    if missing:
        cut = pre_tokenizers.Split(Regex(f"[{re.escape(missing)}]"), "removed")
        pipeline.pre_tokenizer = pre_tokenizers.Sequence([pipeline.pre_tokenizer, cut])


def _find_split(vocabulary: Vocabulary) -> Split:
    name = "gemma4" if vocabulary.get("model", "") == "gemma4" else vocabulary.get("pre", "") or "default"
    if name not in SPLITS:
        raise TokbenchError(
            f"{vocabulary.path}: the pre-tokeniser {name!r} of llama.cpp is not supported",
            "give the tokenizer.json instead",
        )
    return SPLITS[name]


def _cut_merge(merge: str) -> tuple[str, str]:
    at = merge.find(" ", 1)
    return merge[:at], merge[at + 1 :]


def _check_overlaps(vocabulary: Vocabulary) -> None:
    """Raise TokbenchError for user-defined tokens that can overlap in a text.

    llama.cpp reads the longest of all first, the engine the one that starts first.
    """
    tokens = list(vocabulary.select(USER_DEFINED).values())
    beginnings: dict[str, list[str]] = {}
    for token in tokens:
        for end in range(1, len(token)):
            beginnings.setdefault(token[:end], []).append(token)
    for token in tokens:
        for start in range(1, len(token)):
            for longer in beginnings.get(token[start:], ()):
                joined = token + longer[len(token) - start :]
                if len(longer.encode()) >= len(token.encode()) and not joined.startswith(longer):
                    raise TokbenchError(
                        f"{vocabulary.path}: the user-defined tokens {token!r} and {longer!r} can overlap in a text,"
                        " which llama.cpp reads differently from the engines here",
                        "give the tokenizer.json instead",
                    )


def _check_line_feeds(vocabulary: Vocabulary, pipeline: Pipeline) -> None:
    """Check that merges give a run of line feeds that is a token whole.

    llama.cpp takes it whole; raises TokbenchError if the merges do not.
    """
    for number, token in vocabulary.select(NORMAL).items():
        if not token.strip("\n") and pipeline.encode(token).ids != [number]:
            raise TokbenchError(
                f"{vocabulary.path}: merges do not give the token {token!r}, which llama.cpp takes whole", _OTHER_FILE
            )


BUILDERS: Mapping[str, Callable[[Asset, Vocabulary], Tokenizer]] = {
    "gpt2": build_bpe,
    "gemma4": build_bpe,
    "llama": build_sentencepiece,
    "t5": build_sentencepiece,
    "bert": build_wordpiece,
}
"""Functions that rebuild a vocabulary, by its kind (`tokenizer.ggml.model`)."""


def load(asset: Asset) -> Tokenizer:
    """Load the tokenizer of a GGUF file; weights, if there are any, are not read."""
    check_format(asset, "gguf", REFERENCE_FOR)
    vocabulary = read_vocabulary(asset.files[0])
    kind = vocabulary.get("model", "")
    if kind not in BUILDERS:
        raise TokbenchError(f"{asset.files[0]}: a GGUF vocabulary of the kind {kind!r} is not supported", _OTHER_FILE)

    def explain(error: Exception) -> TokbenchError:
        return TokbenchError(f"{asset.files[0]}: damaged vocabulary ({error})", "download it again")

    with explain_bare(explain, ValueError):
        return BUILDERS[kind](asset, vocabulary)
