"""Checks of files: companions and the model's configuration must agree with the tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench.analysis.soundness._subject import Subject
from tokbench.analysis.soundness._verdict import Finding, Severity, list_some, not_applicable, passed
from tokbench.catalog.companions import find_companions
from tokbench.catalog.ids import check_size
from tokbench.catalog.tokenizer_classes import read
from tokbench.errors import TokbenchError

CONFIG, GENERATION = "config.json", "generation_config.json"
_NESTED = ("text_config", "llm_config", "language_config", "decoder")
_ROLES = ("bos", "eos", "pad", "unk", "sep", "cls", "mask")
_LARGEST = 64 << 20


def check_files(subject: Subject) -> Finding:
    """Compare the tokenizer with the configuration of the model and with the other files in its folder."""
    files = subject.tokenizer.asset.files
    if not files:
        return not_applicable("it has no files")
    folder = files[0].parent
    try:
        faults = list(find_faults(subject, folder))
        config = read_config(folder / CONFIG)
    except TokbenchError as error:
        return Finding(Severity.ERROR, error.message)
    if faults:
        return min(faults, key=lambda fault: fault.severity.rank)
    beside = [path.name for path in (folder / CONFIG, folder / GENERATION) if path.is_file()]
    beside += [path.name for path in find_companions(files[0])]
    entry = subject.tokenizer.asset.entry
    rows = find_rows(config) or (entry.vocab_rows if entry else None)
    if not beside and rows is None:
        return not_applicable("there is no other file beside it")
    room = f"; {rows - subject.reference.vocab_total:,} of the model's {rows:,} rows are unused" if rows else ""
    return passed(f"it agrees with {', '.join(beside) or 'the catalogue'}{room}")


def find_faults(subject: Subject, folder: Path) -> Iterator[Finding]:
    """Yield what contradicts the tokenizer."""
    total = subject.reference.vocab_total
    config = read_config(folder / CONFIG)
    rows, source = find_rows(config), CONFIG
    entry = subject.tokenizer.asset.entry
    if rows is None and entry is not None:
        rows, source = entry.vocab_rows, f"the catalogue entry {entry.name}"
    if rows is not None and total > rows:
        evidence = f"the model has {rows:,} rows by {source}, the tokenizer ids up to {total - 1:,}"
        yield Finding(Severity.ERROR, f"{evidence}: an id without a row fails or reads other memory")
    roles = find_roles(subject)
    for name, document in ((CONFIG, config), (GENERATION, read_config(folder / GENERATION))):
        yield from compare_roles(subject, name, document, roles)
    yield from compare_vocabularies(subject, folder)


def read_config(path: Path) -> Mapping[str, Any]:
    """Read a configuration; an empty one if there is none."""
    if not path.is_file():
        return {}
    if path.stat().st_size > _LARGEST:
        raise TokbenchError(f"{path} is larger than any configuration", "check it")
    return read_json_object(path)


def find_rows(config: Mapping[str, Any]) -> int | None:
    """Return the rows of the model's embedding matrix by its configuration."""
    for document in (config, *(config.get(name) for name in _NESTED)):
        value = document.get("vocab_size") if isinstance(document, dict) else None
        if type(value) is int and value > 0:
            return value
    return None


def find_roles(subject: Subject) -> dict[str, str]:
    """Return the texts of special tokens by their role, such as `eos`, as companion files name them."""
    companions = read(find_companions(subject.tokenizer.asset.files[0]))
    named = {role: companions.attributes.get(f"{role}_token") for role in _ROLES}
    return {role: text for role, text in named.items() if text}


def compare_roles(
    subject: Subject, name: str, document: Mapping[str, Any], roles: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield roles whose id in a configuration is out of range, or another than that of their token."""
    total = subject.reference.vocab_total
    for role in _ROLES:
        value = document.get(f"{role}_token_id")
        numbers = [number for number in (value if isinstance(value, list) else [value]) if type(number) is int]
        outside = [number for number in numbers if not 0 <= number < total]
        if outside and outside != [-1]:
            yield Finding(Severity.ERROR, f"{name}: {role}_token_id is {outside[0]}, beyond the {total:,} ids")
        elif numbers and role in roles:
            own = find_id(subject, roles[role])
            if own is not None and own not in numbers:
                evidence = f"{name}: {role}_token_id is {list_some(map(str, numbers))}, but the token has the id {own}"
                yield Finding(Severity.ERROR, evidence, roles[role])


def find_id(subject: Subject, text: str) -> int | None:
    """Return the id of a special or ordinary token by its text."""
    for number, known in subject.reference.special_tokens().items():
        if known == text:
            return number
    if subject.pipeline is not None:
        found: int | None = subject.pipeline.tokenizer.token_to_id(text)
        return found
    return next((number for number, piece in subject.pieces if piece == text), None)


def compare_vocabularies(subject: Subject, folder: Path) -> Iterator[Finding]:
    """Yield the first token to which vocab.json gives another id than the tokenizer.json beside it."""
    path = folder / "vocab.json"
    if subject.tokenizer.asset.format != "tokenizer.json" or subject.pipeline is None or not path.is_file():
        return
    check_size(path)
    for token, number in read_json_object(path).items():
        own = subject.pipeline.tokenizer.token_to_id(token)
        if own != number:
            known = "has no such token" if own is None else f"gives it {own}"
            file = subject.tokenizer.asset.files[0].name
            yield Finding(Severity.ERROR, f"vocab.json gives a token the id {number}, {file} {known}", token)
            return
