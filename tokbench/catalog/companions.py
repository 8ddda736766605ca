"""Companion files: files beside a tokenizer's own that change its ids.

They are read by the rules of the fast classes of `transformers`: if tokenizer_config.json has `added_tokens_decoder`,
it alone numbers the added tokens; otherwise special_tokens_map.json and added_tokens.json count too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench.catalog.ids import MOST_IDS
from tokbench.errors import TokbenchError

CONFIG, SPECIAL_MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
NAMES = (ADDED, SPECIAL_MAP, CONFIG)
"""Names of the companion files that are read."""

_ATTRIBUTES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_EXTRA = ("extra_special_tokens", "additional_special_tokens")
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
_NUMBERING = f"an id must be a whole number from 0 to {MOST_IDS - 1:,}"
_AGAIN = "fix the file, or download it again"


@dataclass(frozen=True)
class AddedToken:
    """A token beside the model's vocabulary, and how it is found in text.

    special: its text is plain text.
    """

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = True
    special: bool = False

    @property
    def flags(self) -> dict[str, bool]:
        """Return the five flags by name."""
        return {name: getattr(self, name) for name in _FLAGS}


@dataclass(frozen=True)
class Companions:
    """What the companion files say.

    files: those that are read.
    settings: the content of tokenizer_config.json; `flag` and `text` check the types.
    numbered: added tokens whose ids are given.
    named: special tokens given only by their text.
    attributes: the texts of special tokens that have a key of their own, by key.
    where: the file and key from which each token comes, by its text.
    """

    files: tuple[Path, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    numbered: Mapping[int, AddedToken] = field(default_factory=dict)
    named: Mapping[str, AddedToken] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Folder of the files."""
        return self.files[0].parent if self.files else Path()

    @property
    def class_name(self) -> str | None:
        """Tokenizer class without "Fast"; None if none is named."""
        name = self.text("tokenizer_class")
        return name.removesuffix("Fast") if name else None

    def flag(self, key: str) -> bool | None:
        """Return a boolean setting, None if it is absent or null.

        Raises TokbenchError for anything else.
        """
        value = self.settings.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise refuse(self.folder / CONFIG, key, value, "true, false or null is expected")

    def text(self, key: str) -> str | None:
        """Return a string setting, None if it is absent or null.

        Raises TokbenchError for anything else.
        """
        value = self.settings.get(key)
        if value is None or isinstance(value, str):
            return value
        raise refuse(self.folder / CONFIG, key, value, "a string or null is expected")

    def refuse(self, key: str, reason: str, hint: str | None = None) -> TokbenchError:
        """Build the error for a setting that is not supported here."""
        return refuse(self.folder / CONFIG, key, self.settings.get(key), reason, hint)

    def number(self, known: Mapping[str, int], size: int) -> dict[int, AddedToken]:
        """Assign an id to every added token, in the order in which `transformers` does.

        known: ids of the tokens in the tokenizer's own files.
        size: the id of the next token; the size of the vocabulary, whose ids may have gaps.
        Raises TokbenchError if a given id is not the one that the token has or would get.
        """
        placed: dict[int, AddedToken] = {}
        holders = {number: content for content, number in known.items()}
        for number, token in sorted(self.numbered.items()):
            due = known.get(token.content, size)
            if due != number:
                holder = holders.get(number)
                taken = f"which is {holder!r}" if holder is not None else f"where {due} is expected"
                raise TokbenchError(
                    f"{self.where[token.content]}: the added token {token.content!r} has the id {number}, {taken}",
                    "the files do not belong together: give the tokenizer.json instead",
                )
            size = max(size, number + 1)
            placed[number] = token
        taken_texts = {token.content for token in placed.values()}
        for content, token in self.named.items():
            if content not in taken_texts:
                number = known.get(content, size)
                if holders.get(number, content) != content:
                    raise TokbenchError(
                        f"{self.where[content]}: the added token {content!r} gets the id {number}, which is "
                        f"{holders[number]!r}: the ids of the vocabulary have gaps",
                        "give the tokenizer.json instead",
                    )
                size = max(size, number + 1)
                placed[number] = token
        return placed


def refuse(path: Path, key: str, value: object, reason: str, hint: str | None = None) -> TokbenchError:
    """Build the error that names a file, a key in it, and the key's value."""
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return TokbenchError(f"{path}: {key} is {shown}: {reason}", hint or _AGAIN)


def find_companions(path: Path) -> tuple[Path, ...]:
    """List the companion files beside a file."""
    return tuple(beside for name in NAMES if (beside := path.parent / name).is_file())


def read_companions(files: Iterable[Path], defaults: Mapping[str, Mapping[str, str]] | None = None) -> Companions:
    """Read the companions among some files; others are skipped.

    defaults: by tokenizer class, the special tokens that apply if its configuration names none.
    Raises TokbenchError, with file and key, for content in a form that `transformers` does not write.
    """
    paths = {path.name: path for path in files if path.name in NAMES}
    config = read_json_object(paths[CONFIG], unique_keys=True) if CONFIG in paths else {}
    if config.get("added_tokens_decoder") is not None:
        paths = {CONFIG: paths[CONFIG]}
    content = {
        name: config if name == CONFIG else read_json_object(path, unique_keys=True) for name, path in paths.items()
    }
    files = tuple(path for name, path in paths.items() if content[name] or name == CONFIG)
    companions = Companions(files, config)
    missing = (defaults or {}).get(companions.class_name or "", {})
    sources = [(paths[name], content[name]) for name in (CONFIG, SPECIAL_MAP) if name in paths]
    attributes: dict[str, tuple[AddedToken, str]] = {}
    for key in (*_ATTRIBUTES, *_model_specific(sources)):
        if (given := _find_named(sources, key)) is not None:
            attributes[key] = given
        elif key in missing and not any(key in document for _, document in sources):
            attributes[key] = AddedToken(missing[key], normalized=False, special=True), f"{paths.get(CONFIG)}"
    extra = list(_read_extra(sources))
    texts = {key: token.content for key, (token, _) in attributes.items()}
    where = {token.content: origin for token, origin in (*attributes.values(), *extra)}
    named = {token.content: token for token, _ in (*attributes.values(), *extra)}
    numbered: dict[int, AddedToken] = {}
    for number, token, origin in _read_numbered(paths, content, named.keys()):
        if number in numbered or token.content in {other.content for other in numbered.values()}:
            what = f"the id {number}" if number in numbered else f"the added token {token.content!r}"
            raise TokbenchError(f"{origin}: {what} is given twice", _AGAIN)
        numbered[number] = replace(token, special=token.special or token.content in texts.values())
        where[token.content] = origin
    return Companions(files, config, numbered, named, texts, where)


# ---- JSON


# ---- tokens


def _read_token(value: object, path: Path, key: str, *, special: bool = False) -> AddedToken:
    """Read a token, written as its text or as an object with its text and flags."""
    flags: dict[str, bool] = {}
    if isinstance(value, dict):
        given = {name: inner for name, inner in value.items() if name != "__type"}
        value = given.pop("content", None)
        for name, flag in given.items():
            if name not in _FLAGS or type(flag) is not bool:
                raise refuse(path, f"{key}: {name}", flag, f"the flags {', '.join(_FLAGS)} must be true or false")
            flags[name] = flag
    if not isinstance(value, str) or not value:
        raise refuse(path, key, value, "the text of a token is expected")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise refuse(path, key, value, "a lone surrogate is not text")
    is_special = special or flags.get("special", False)
    return AddedToken(value, **{"normalized": not is_special, **flags, "special": is_special})


def _model_specific(sources: Sequence[tuple[Path, Mapping[str, Any]]]) -> Iterator[str]:
    """Return the keys of model-specific special tokens (`image_token`), each once."""
    keys = [key for _, document in sources for key, value in document.items() if _is_model_specific(key, value)]
    return iter(dict.fromkeys(keys))


def _is_model_specific(key: str, value: object) -> bool:
    is_token = isinstance(value, str) or (isinstance(value, dict) and "content" in value)
    return key.endswith("_token") and key not in _ATTRIBUTES and is_token


def _find_named(sources: Sequence[tuple[Path, Mapping[str, Any]]], key: str) -> tuple[AddedToken, str] | None:
    """Find a special token by its key.

    special_tokens_map.json, the last source, overrides the configuration.
    """
    for path, document in reversed(sources):
        if key in document:
            value = document[key]
            return None if value is None else (_read_token(value, path, key, special=True), f"{path}, {key}")
    return None


def _read_extra(sources: Sequence[tuple[Path, Mapping[str, Any]]]) -> Iterator[tuple[AddedToken, str]]:
    """Read the special tokens that are listed without a key of their own."""
    for path, document in sources:
        key = next((key for key in _EXTRA if document.get(key)), None)
        if key is None:
            continue
        values = document[key]
        if not isinstance(values, list | dict):
            raise refuse(path, key, values, "a list of tokens is expected")
        for value in values.values() if isinstance(values, dict) else values:
            yield _read_token(value, path, key, special=True), f"{path}, {key}"


def _read_numbered(
    paths: Mapping[str, Path], content: Mapping[str, dict[str, Any]], special: Iterable[str]
) -> Iterator[tuple[int, AddedToken, str]]:
    """Read the tokens whose ids are given, with the origin of each."""
    decoder = content.get(CONFIG, {}).get("added_tokens_decoder")
    if decoder is not None:
        path, key = paths[CONFIG], "added_tokens_decoder"
        if not isinstance(decoder, dict):
            raise refuse(path, key, decoder, "an object of ids and tokens is expected")
        for number, value in decoder.items():
            if not (number.isascii() and number.isdigit() and int(number[:12]) < MOST_IDS):
                raise refuse(path, key, number, _NUMBERING)
            if not isinstance(value, dict):
                raise refuse(path, f"{key}: {number}", value, "a token with its flags is expected")
            yield int(number), _read_token(value, path, f"{key}: {number}"), f"{path}, {key}"
        return
    special = set(special)
    for text, number in content.get(ADDED, {}).items():
        if type(number) is not int or not 0 <= number < MOST_IDS:
            raise refuse(paths[ADDED], repr(text), number, _NUMBERING)
        yield number, _read_token(text, paths[ADDED], repr(text), special=text in special), f"{paths[ADDED]}"
