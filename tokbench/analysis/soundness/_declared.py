"""Checks of what is declared: the Unicode form, the grouping of digits, unknown characters."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache

import numpy as np

from tokbench.analysis.roundtrip._probes import characters_by_category, sample
from tokbench.analysis.soundness._declarations import Form, find_form, find_grouping
from tokbench.analysis.soundness._subject import Subject
from tokbench.analysis.soundness._verdict import Finding, Severity, list_some, not_applicable, passed
from tokbench.analysis.vocabulary._scripts import script_of_character
from tokbench.errors import MissingExtraError

_PAIRS = 240
_PER_SCRIPT = 40
_NUMBERS = ("1", "12", "123", "1234", "12345", "123456", "1234567", "2024", "1000000", "3141592653", "00000000")
OLD = unicodedata.ucd_3_2_0
"""Unicode 3.2, whose characters are the same in every library."""


@cache
def list_pairs() -> tuple[tuple[str, str], ...]:
    """Return composed characters with their canonical decompositions."""
    letters = [c for kind in ("Lu", "Ll", "Lo") for c in characters_by_category()[kind]]
    pairs = [(c, OLD.normalize("NFD", c)) for c in letters if OLD.normalize("NFC", c) == c != OLD.normalize("NFD", c)]
    return tuple(pairs[:: len(pairs) // _PAIRS])


def check_normalizer(subject: Subject) -> Finding:
    """Compare the ids of composed and decomposed characters with what is declared."""
    form = find_form(subject)
    equal, unequal = compare_pairs(subject)
    tried = len(equal) + len(unequal)
    if not tried:
        return not_applicable("it knows no composed character")
    if form.name is not None:
        return judge_form(subject, form, tried, unequal)
    if form.precompiled or form.folds:
        return Finding(
            Severity.NOTE,
            f"rules without a name: {len(equal)} of {tried} characters have the ids of their decompositions",
            *(equal[0] if equal else ()),
        )
    if len(equal) > tried // 2:
        return Finding(
            Severity.ERROR,
            f"no normaliser is declared, yet {len(equal)} of {tried} characters have the ids of their decompositions",
            *equal[0],
        )
    return passed(f"no Unicode form is declared, and {len(unequal)} of {tried} composed characters keep theirs")


def judge_form(subject: Subject, form: Form, tried: int, unequal: list[tuple[str, str]]) -> Finding:
    """Return the finding on a declared form: both spellings of a character must have the same ids."""
    if unequal:
        return Finding(
            Severity.ERROR,
            f"{form.name} is declared by {form.where}, yet {len(unequal)} of {tried} characters and their "
            "decompositions have different ids",
            unequal[0][1],
            subject.come_back([unequal[0][1]])[0],
        )
    folded = " with case folded" if form.folds else ""
    return Finding(
        Severity.NOTE,
        f"{form.name}{folded} is applied, as {form.where} declares: text in another form does not come back",
        *next((d, c) for c, d in list_pairs()),
    )


def compare_pairs(subject: Subject) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the pairs with equal ids and those with different ids, without those that are unknown."""
    pairs = list_pairs()
    equal: list[tuple[str, str]] = []
    unequal: list[tuple[str, str]] = []
    ids = [batch.tolist() for batch in subject.tokenizer.encode_batch([text for pair in pairs for text in pair])]
    for pair, composed, decomposed in zip(pairs, ids[::2], ids[1::2], strict=True):
        if subject.tokenizer.unk_id in composed or subject.tokenizer.unk_id in decomposed or not composed:
            continue
        (equal if composed == decomposed else unequal).append(pair)
    return equal, unequal


def check_digits(subject: Subject) -> Finding:
    """Compare the digits per token with the declared grouping."""
    grouping = find_grouping(subject)
    if grouping is None:
        return not_applicable("no grouping of digits is declared: numbers are cut as the vocabulary has it")
    most, where = grouping.digits, grouping.where
    groups = f"{'single digits' if most == 1 else f'at most {most} digits'}"
    table = subject.reference.token_table()
    for number in _NUMBERS:
        for text in (number, f"a {number} b", f"x{number}"):
            cut = [table[int(token)] or b"" for token in subject.tokenizer.encode_batch([text])[0]]
            longest = max((sum(48 <= byte < 58 for byte in token) for token in cut), default=0)
            if longest > most:
                shown = "|".join(token.decode(errors="backslashreplace") for token in cut)
                return Finding(
                    Severity.ERROR, f"{groups} per token are declared by {where}, yet {longest} occur", text, shown
                )
    longer = [content for _, content in table.items() if count_digits(content) > most]
    if longer:
        smallest = min(longer, key=lambda content: (len(content), content)).decode()
        evidence = f"numbers are cut into {groups}, as {where} declares, but {len(longer):,} tokens hold more"
        return Finding(Severity.WARNING, evidence, smallest)
    return passed(f"numbers are cut into {groups}, as {where} declares")


def count_digits(content: bytes) -> int:
    """Count the digits of a token that is a number, with or without a space before it."""
    number = content.removeprefix(b" ")
    return len(number) if number.isdigit() else 0


def check_unknown(subject: Subject) -> Finding:
    """Count unknown letters by script."""
    unknown = subject.tokenizer.unk_id
    if unknown is None:
        return passed("it has no unknown token: every text has ids of its own")
    try:
        scripts = letters_by_script(script_of_character)
    except MissingExtraError as error:
        return not_applicable(str(error))
    missing: Counter[str] = Counter()
    examples: list[str] = []
    for script, letters in scripts.items():
        batch = subject.tokenizer.encode_batch(letters)
        flags = batch.sum_by_text(batch.ids == unknown) > 0
        missing[script] = int(flags.sum())
        examples += [letters[i] for i in np.flatnonzero(flags).tolist()]
    if not examples:
        return passed(f"letters of all {len(scripts)} scripts are known")
    none = sum(missing[script] == len(letters) for script, letters in scripts.items())
    partly = [script for script, letters in scripts.items() if 0 < missing[script] < len(letters)]
    whole = len(scripts) - none - len(partly)
    return Finding(
        Severity.WARNING,
        f"of {len(scripts)} scripts, all sampled letters of {whole} are known, of {none} none; in part: "
        f"{list_some(f'{script} {1 - missing[script] / len(scripts[script]):.0%}' for script in partly)}",
        min(examples),
    )


@cache
def letters_by_script(script_of: Callable[[str], str | None]) -> dict[str, list[str]]:
    """Return up to 40 letters of each script, evenly spaced, by the name of the script."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind in ("Lu", "Ll", "Lt", "Lm", "Lo"):
        for c in characters_by_category()[kind]:
            script = script_of(c)
            if script is not None:
                found[script].append(c)
    return {script: [*sample(sorted(letters), _PER_SCRIPT)] for script, letters in sorted(found.items())}
