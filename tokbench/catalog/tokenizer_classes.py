"""Rules of the tokenizer classes of `transformers`.

What companion files mean per format, and which of them count.
A companion file counts if it changes ids, sizes or special tokens; one that only repeats the tokenizer's own files is
left out, so that it is not part of the tokenizer's hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench.catalog.companions import AddedToken, Companions, find_companions, read_companions
from tokbench.catalog.sentencepiece_file import list_pieces

Document = dict[str, Any]

_END_OF_TEXT = "<|endoftext|>"
_GPT2_SPECIAL = dict.fromkeys(("unk_token", "bos_token", "eos_token"), _END_OF_TEXT)
_ROBERTA_SPECIAL = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
_BERT_SPECIAL = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_LLAMA_SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}

BERT_CLASSES = frozenset(
    f"{name}Tokenizer"
    for name in (
        *("Bert", "ConvBert", "DPRContextEncoder", "DPRQuestionEncoder", "DPRReader", "DistilBert", "Electra"),
        *("LayoutLM", "LayoutLMv2", "Lxmert", "MobileBert", "Realm", "Retribert", "Splinter", "SqueezeBert"),
    )
)
"""Classes that read vocab.txt as BERT does."""

GPT2_CLASSES = frozenset({"GPT2Tokenizer", "CodeGenTokenizer", "RobertaTokenizer", "BartTokenizer", "OPTTokenizer"})
"""Classes that read vocab.json and merges.txt as GPT-2 does."""

LLAMA_CLASSES = frozenset({"LlamaTokenizer", "CodeLlamaTokenizer"})

DEFAULT_SPECIAL: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(BERT_CLASSES, _BERT_SPECIAL),
    **dict.fromkeys(("GPT2Tokenizer", "CodeGenTokenizer"), _GPT2_SPECIAL),
    **dict.fromkeys(("RobertaTokenizer", "BartTokenizer"), _ROBERTA_SPECIAL),
    **dict.fromkeys(LLAMA_CLASSES, _LLAMA_SPECIAL),
    "Qwen2Tokenizer": dict.fromkeys(("unk_token", "eos_token", "pad_token"), _END_OF_TEXT),
}
"""Special tokens by class, used if a configuration does not name its own."""

RENUMBERING = frozenset(
    f"{name}Tokenizer"
    for name in (
        *("Barthez", "Bartpho", "BigBirdPegasus", "Camembert", "M2M100", "MBart", "MBart50", "Marian", "Nllb"),
        *("PLBart", "Pegasus", "SeamlessM4T", "Speech2Text", "XGLM", "XLMProphetNet", "XLMRoberta"),
    )
)
"""Classes whose ids differ from those of the SentencePiece model that they read."""

REWRITING = frozenset({"AlbertTokenizer", "FNetTokenizer", "ReformerTokenizer", "RemBertTokenizer", "XLNetTokenizer"})
"""Classes that rewrite text before it reaches their SentencePiece model."""

_BERT_SETTINGS = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}


def read(files: Iterable[Path]) -> Companions:
    """Read the companions among some files, with their class's special tokens."""
    return read_companions(files, DEFAULT_SPECIAL)


def select_companions(path: Path, file_format: str, document: Document | None = None) -> tuple[Path, ...]:
    """Select the companion files beside a tokenizer's main file that count.

    document: the content of a tokenizer.json, if it has been read.
    Raises TokbenchError if one of them is damaged.
    """
    beside = find_companions(path) if file_format in _CHANGES else ()
    if not beside:
        return ()
    companions = read(beside)
    if file_format == "tokenizer.json":
        counts = _changes_json(read_json_object(path, unique_keys=True) if document is None else document, companions)
    else:
        counts = _CHANGES[file_format](path, companions)
    return companions.files if counts else ()


# ---- WordPiece


def find_unknown(path: Path) -> str:
    """Return the unknown token of a WordPiece vocabulary, as its companions name it."""
    return read(find_companions(path)).attributes.get("unk_token", "[UNK]")


# ---- tokenizer.json


def restate_settings(document: Document, companions: Companions) -> Document:
    """Apply the settings that its class overrides to a tokenizer.json.

    Returns the same document if there are none.
    Raises TokbenchError for a setting that contradicts the file and cannot be applied.
    """
    name, changed = companions.class_name, document
    if name in BERT_CLASSES and (document.get("normalizer") or {}).get("type") == "BertNormalizer":
        given = {name: companions.flag(key) for key, name in _BERT_SETTINGS.items()}
        changed = {**document, "normalizer": document["normalizer"] | {k: v for k, v in given.items() if v is not None}}
    space = companions.flag("add_prefix_space")
    step = document.get("pre_tokenizer") or {}
    if space is not None and name in GPT2_CLASSES and step.get("type") == "ByteLevel":
        changed = {**changed, "pre_tokenizer": step | {"add_prefix_space": space}}
    if space is not None and name in LLAMA_CLASSES and _is_spaced(document) and _adds_space(document) != space:
        does = "adds a space before a text" if not space else "adds no space before a text"
        raise companions.refuse("add_prefix_space", f"the tokenizer.json beside it {does}", "correct one of the two")
    return changed


def _steps(part: object) -> list[Document]:
    if not isinstance(part, dict):
        return []
    inner = part.get("normalizers", part.get("pretokenizers", part.get("decoders")))
    return [step for sub in inner for step in _steps(sub)] if isinstance(inner, list) else [part]


def _is_spaced(document: Document) -> bool:
    """Return whether spaces are written as in SentencePiece."""
    return any(step.get("type") in ("Metaspace", "ByteFallback") for step in _steps(document.get("decoder")))


def _adds_space(document: Document) -> bool:
    steps = [*_steps(document.get("normalizer")), *_steps(document.get("pre_tokenizer"))]
    return any(
        step.get("type") == "Prepend"
        or (step.get("type") == "Metaspace" and step.get("prepend_scheme", "always") != "never")
        for step in steps
    )


def _changes_json(document: Document, companions: Companions) -> bool:
    try:
        return changes_document(document, companions)
    except (KeyError, TypeError, ValueError, AttributeError):
        return True  # the file is damaged, which the library reports on loading


def changes_document(document: Document, companions: Companions) -> bool:
    """Return whether companions change anything in a tokenizer.json."""
    if restate_settings(document, companions) != document:
        return True
    added = {token["content"]: token for token in document.get("added_tokens") or []}
    # Without `added_tokens_decoder`, the file's own statements about its added tokens take precedence.
    decides = "added_tokens_decoder" in companions.settings
    for number, token in companions.numbered.items():
        known = added.get(token.content)
        if known is None or known["id"] != number or (decides and _differs(known, token)):
            return True
    unnumbered = companions.named.keys() - added.keys() - {token.content for token in companions.numbered.values()}
    return not unnumbered <= list_vocabulary(document).keys()


def _differs(known: Mapping[str, Any], token: AddedToken) -> bool:
    if known["special"] and token.special:
        return False
    return any(known.get(name) != flag for name, flag in token.flags.items())


def list_vocabulary(document: Document) -> Mapping[str, int]:
    """Return the ids of the model's tokens in a tokenizer.json."""
    vocab = document["model"]["vocab"]
    return vocab if isinstance(vocab, dict) else {token: number for number, (token, *_) in enumerate(vocab)}


# ---- SentencePiece


def list_sentinels(companions: Companions) -> list[str]:
    """List T5's sentinels, which its class numbers after the pieces.

    Return None for another class.
    """
    if companions.class_name != "T5Tokenizer":
        return []
    count = companions.settings.get("extra_ids", 100)
    if type(count) is not int or not 0 <= count <= 100_000:
        raise companions.refuse("extra_ids", "a whole number is expected")
    return [f"<extra_id_{number}>" for number in reversed(range(count))]


def check_sentencepiece(companions: Companions) -> None:
    """Raise TokbenchError if the configured class does more than the model says."""
    name = companions.class_name
    give = "give the tokenizer.json instead"
    if name in RENUMBERING:
        raise companions.refuse("tokenizer_class", "it numbers the pieces differently from the model", give)
    if name in REWRITING:
        raise companions.refuse("tokenizer_class", "it rewrites text before the model sees it", give)
    for key in ("do_lower_case", "split_by_punct"):
        if companions.flag(key):
            raise companions.refuse(key, "text would be changed before the model sees it", give)


def _changes_sentencepiece(path: Path, companions: Companions) -> bool:
    check_sentencepiece(companions)
    if companions.flag("add_prefix_space") is not None or list_sentinels(companions):
        return True
    if not (companions.numbered or companions.named):
        return False
    pieces = list_pieces(path)
    numbered = any(not token.special or pieces.get(token.content) != n for n, token in companions.numbered.items())
    return numbered or not companions.named.keys() <= pieces.keys()


# ---- sizes


def extends(path: Path, file_format: str, companions: Companions, total: int) -> bool:
    """Return whether companions add tokens to a tokenizer known to have `total` ids."""
    if any(number >= total for number in companions.numbered):
        return True
    rest = companions.named.keys() - {token.content for token in companions.numbered.values()}
    return bool(rest) and not rest <= _list_texts(path, file_format)


def _list_texts(path: Path, file_format: str) -> Set[str]:
    if file_format == "sentencepiece":
        return list_pieces(path).keys()
    if file_format == "wordpiece":
        return frozenset(path.read_text(encoding="utf-8-sig").split("\n"))
    document = read_json_object(path, unique_keys=True)
    if file_format == "vocab+merges":
        return document.keys()
    return {*list_vocabulary(document), *(token["content"] for token in document.get("added_tokens") or [])}


def _changes_always(path: Path, companions: Companions) -> bool:
    return True


def _changes_ranks(path: Path, companions: Companions) -> bool:
    return bool(companions.numbered or companions.named)


_CHANGES: Mapping[str, Callable[[Path, Companions], bool]] = {
    "tokenizer.json": _changes_always,
    "vocab+merges": _changes_always,
    "wordpiece": _changes_always,
    "sentencepiece": _changes_sentencepiece,
    "tiktoken": _changes_ranks,
}
