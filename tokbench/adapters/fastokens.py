"""Crusoe's fastokens: byte-level BPE, and RWKV's search.

It reads Hugging Face and tiktoken files, and returns ids as one flat array.
Pipeline steps that it lacks, or runs slowly, are rewritten first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from tokbench._shared.process import ProcessSetting, set_variable
from tokbench.adapters import huggingface, tiktoken
from tokbench.adapters._accelerated import EngineTokenizer, Misread
from tokbench.adapters._cost import Cost
from tokbench.adapters._encoding import EncodedBatch
from tokbench.adapters._fastokens_rewrites import read_members, recall_json, restate
from tokbench.adapters._hf_pipelines import describe_merges
from tokbench.adapters._reference import check_format, refuse, text_rules
from tokbench.catalog.sources import Asset
from tokbench.errors import MissingExtraError, TokbenchError

if TYPE_CHECKING:
    import fastokens

REFERENCE_FOR: frozenset[str] = frozenset()
SIDE_WORK = "nothing"
LIBRARY = "fastokens"
RUNS = {
    "tokenizer.json": Cost(load=0.67, encode=0.03),
    "vocab+merges": Cost(load=0.8, encode=0.028),
    "tiktoken": Cost(load=0.64, encode=0.046),
    "rwkv": Cost(load=0.92, encode=0.027),
}

_THREADS = "FASTOKENS_BPE_THREADS"
_BYTES = "latin-1"
"""The encoding whose characters are the bytes with the same number."""

_MISREAD = Misread("17F 180E")
"""Long s, which ends a contraction where case is ignored (`'ſ` as `'s`), but not for fastokens, and the Mongolian vowel
separator, white space to fastokens alone, as before Unicode 6.3."""

_UNUSED = {"\u0100": 0, "\u0101": 1, "\u0100\u0101": 2}
"""The smallest byte-level BPE that fastokens accepts, of characters that represent no byte."""


def check_added_tokens(added: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValueError for added tokens that fastokens finds otherwise than `tokenizers`.

    That is those with flags on their surroundings, and those of which some are found before normalisation, some after.
    """
    plain = [token for token in added if not token["special"]]
    for token in plain:
        if token["single_word"] or token["lstrip"] or token["rstrip"]:
            raise ValueError(f"the added token {token['content']!r} depends on its surroundings")
    if len({token["normalized"] for token in plain}) > 1:
        raise ValueError("added tokens are found both before and after normalisation")


def build_from_json(asset: Asset) -> fastokens.Tokenizer:
    """Build a tokenizer.json, its pre-tokeniser rewritten if that helps.

    That is if fastokens lacks it or runs another form faster.
    """
    from fastokens import Tokenizer

    if len(asset.files) > 1:
        raise ValueError("its companion files change it")
    text = recall_json(asset)
    added: list[dict[str, Any]] = next((value for name, value, *_ in read_members(text) if name == "added_tokens"), [])
    check_added_tokens(added or [])
    return Tokenizer.from_json_str(text)


def build_from_merges(asset: Asset) -> fastokens.Tokenizer:
    """Build vocab.json and merges.txt, from the equivalent tokenizer.json."""
    from fastokens import Tokenizer

    document = describe_merges(asset)
    check_added_tokens(document["added_tokens"])
    steps = restate(document["pre_tokenizer"], document["model"]["merges"])
    return Tokenizer.from_json_str(json.dumps({**document, "pre_tokenizer": steps}, ensure_ascii=False))


def build_from_ranks(asset: Asset) -> fastokens.Tokenizer:
    """Build a rank file, split by the pattern of its catalogue entry."""
    from fastokens import Tokenizer

    if asset.entry is None or asset.entry.pattern is None:
        raise TokbenchError(f"{asset.files[0]}: a rank file does not say how text is split", "name its catalogue entry")
    return Tokenizer.from_tiktoken(str(asset.files[0]), pattern=asset.entry.pattern, special_tokens={})


def build_from_tokens(tokens: Sequence[bytes]) -> fastokens.Tokenizer:
    """Build RWKV's vocabulary as added tokens: the search is leftmost longest.

    Each byte is represented by a character, as a token need not be text; since every byte is a token, nothing is left
    to merge.
    """
    from fastokens import Tokenizer

    # Serialise token by token: 65,529 dicts would take longer to build than to parse.
    quote = json.JSONEncoder(ensure_ascii=False).encode
    added = (f'{{"id":{i},"content":{quote(token.decode(_BYTES))}}}' for i, token in enumerate(tokens, len(_UNUSED)))
    model = {"type": "BPE", "vocab": _UNUSED, "merges": [" ".join([*_UNUSED][:2])]}
    parts = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    rest = json.dumps({"version": "1.0", **parts, "model": model})
    return Tokenizer.from_json_str(f'{{"added_tokens":[{",".join(added)}],{rest.removeprefix("{")}')


BUILDERS: Mapping[str, Callable[[Asset], fastokens.Tokenizer]] = {
    "tokenizer.json": build_from_json,
    "vocab+merges": build_from_merges,
    "tiktoken": build_from_ranks,
}


class RwkvOnFastokens(EngineTokenizer):
    """Greedy longest match, run as fastokens' search for added tokens."""

    def __init__(self, asset: Asset) -> None:
        from tokbench.adapters import rwkv

        super().__init__(asset, f"{LIBRARY}=={version(LIBRARY)}", "encode_batch_flat", rwkv.load)
        ids, tokens = rwkv.recall_vocabulary(asset)
        self.tokenizer = build_from_tokens(tokens)
        self.id_of = np.concatenate([np.full(len(_UNUSED), -1, np.int32), ids])

    def encode_read(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts without creating a Python object per token."""
        buffer, offsets = self.tokenizer.encode_batch_flat([text.encode().decode(_BYTES) for text in texts])
        return EncodedBatch(self.id_of.take(np.frombuffer(buffer, np.int32)), np.frombuffer(offsets, np.int64))


class FastokensTokenizer(EngineTokenizer):
    """Byte-level BPE as fastokens runs it."""

    misread = _MISREAD

    def __init__(self, asset: Asset, tokenizer: fastokens.Tokenizer) -> None:
        reference = tiktoken.load if asset.format == "tiktoken" else huggingface.load
        super().__init__(asset, f"{LIBRARY}=={version(LIBRARY)}", "encode_batch_flat", reference)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.before = text_rules(asset)[0] if asset.format == "tiktoken" else None

    def encode_read(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts through two buffers, without a Python object per token."""
        prepared = list(texts) if self.before is None else [self.before(text) for text in texts]
        try:
            ids, offsets = self.tokenizer.encode_batch_flat(prepared, split_special_tokens=True)
        except ValueError:
            # One of the bytes has no token; the reference produces nothing for it.
            return self.reference.encode_batch(texts)
        return EncodedBatch(np.frombuffer(ids, np.int32), np.frombuffer(offsets, np.int64))


_threads = ProcessSetting(lambda: set_variable(_THREADS, "1", keep=True))


@cache
def limit_threads() -> None:
    """Start fastokens without threads of its own, unless the environment says otherwise.

    They would hide the speed of one thread; the caller spreads the work over threads. fastokens reads its environment
    variable once, when it first encodes, so the variable is set for that text alone.
    """
    with _threads.hold():
        build_from_tokens([b"a"]).encode_batch_flat(["a"])


def load(asset: Asset) -> EngineTokenizer:
    """Load a tokenizer.json, vocab.json and merges.txt, ranks, or RWKV's vocabulary.

    Raises TokbenchError for files that fastokens cannot run.
    """
    check_format(asset, LIBRARY, RUNS.keys())
    try:
        import fastokens  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("fastokens", None, f"running {asset.name} on fastokens") from error
    limit_threads()
    try:
        if asset.format == "rwkv":
            return RwkvOnFastokens(asset)
        return FastokensTokenizer(asset, BUILDERS[asset.format](asset))
    except ValueError as error:
        raise refuse(asset, LIBRARY, str(error)) from error
