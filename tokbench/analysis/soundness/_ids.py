"""Checks of ids: gaps, duplicates, overlong tokens, tokens and merges that no text uses."""

from __future__ import annotations

import numpy as np

from tokbench._shared.quantities import write_count
from tokbench._shared.visible_text import reveal_bytes
from tokbench.analysis.soundness._merges import find_dead_merges
from tokbench.analysis.soundness._subject import Subject
from tokbench.analysis.soundness._verdict import Finding, Severity, list_some, not_applicable, passed
from tokbench.analysis.vocabulary import Reach

LONG = 64
"""Bytes above which a token is overlong, unless it repeats one character."""
FEW = 0.001
"""Share of tokens up to which those that no text produces are a note."""


def check_ids(subject: Subject) -> Finding:
    """Look for ids that the file and the engine number differently, for gaps, and for tokens with equal bytes."""
    shared = find_shared(subject)
    if shared:
        return Finding(Severity.ERROR, f"tokens do not have the ids of their file: {list_some(shared)}", shared[0])
    table, special = subject.reference.token_table(), subject.reference.special_tokens()
    duplicates = find_duplicates(subject)
    empty = [int(i) for i in np.flatnonzero(table.lengths == 0) if int(i) not in special]
    if duplicates:
        (content, numbers) = min(duplicates.items(), key=lambda pair: (len(pair[0]), pair[0]))
        return Finding(
            Severity.WARNING,
            f"{write_count(len(duplicates), 'text')} with several ids, of which encoding gives one",
            reveal_bytes(content),
            f"{numbers}",
        )
    if empty:
        runs = list_some(format_runs(empty))
        return Finding(Severity.NOTE, f"{len(empty):,} of {len(table):,} ids are no token: {runs}")
    return passed(f"{len(table):,} ids are contiguous and distinct")


def find_shared(subject: Subject) -> list[str]:
    """Return the added tokens whose id in the file is another in the library, or that of another token."""
    pipeline = subject.pipeline
    if pipeline is None:
        return []
    moved = [f"{text} = {number}" for number, text in pipeline.moved.items()]
    return moved + [f"{t.content} = {n}" for n, t in sorted(pipeline.added.items()) if pipeline.is_shared(n)]


def find_duplicates(subject: Subject) -> dict[bytes, list[int]]:
    """Return byte strings that are tokens of several ids; single bytes may also be characters.

    Where tokens mark their position in a word (`ing`, `##ing`), those with the same text are not the same.
    """
    if subject.pipeline is not None and subject.pipeline.notation.marks_words:
        return {}
    holders: dict[bytes, list[int]] = {}
    for number, content in subject.reference.token_table().items():
        if len(content) > 1:
            holders.setdefault(content, []).append(number)
    return {content: numbers for content, numbers in holders.items() if len(numbers) > 1}


def format_runs(numbers: list[int]) -> list[str]:
    """Format sorted numbers, consecutive ones as a range.

    >>> format_runs([1, 2, 3, 7])
    ['1-3', '7']
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in runs]


def check_lengths(subject: Subject) -> Finding:
    """Look for overlong tokens that are no run of one character."""
    table = subject.reference.token_table()
    long = [table[int(i)] or b"" for i in np.flatnonzero(table.lengths > LONG)]
    long = [content for content in long if len(set(content.decode(errors="replace").strip(" \n"))) > 1]
    if not long:
        return passed(f"no token of more than {LONG} bytes, except runs of one character")
    longest = max(long, key=lambda content: (len(content), content))
    return Finding(
        Severity.NOTE,
        f"{write_count(len(long), 'token')} of more than {LONG} bytes, up to {len(longest):,} bytes",
        longest.decode(errors="replace"),
    )


def check_reach(subject: Subject) -> Finding:
    """Look for tokens that no text produces."""
    table = subject.tokenizer.token_table()
    dead = {n: kind for n, kind in subject.reach.items() if kind in (Reach.SINGLE, Reach.MULTI)}
    dead = {n: kind for n, kind in dead.items() if table.lengths[n] > 1}
    tokens = len(subject.reach)
    if not dead:
        return passed(f"text produces all of {tokens:,} tokens that are whole characters (single bytes aside)")
    first = min(dead, key=lambda number: (int(table.lengths[number]), number))
    severity = Severity.NOTE if len(dead) <= FEW * tokens else Severity.WARNING
    one, several = (sum(found is kind for found in dead.values()) for kind in (Reach.SINGLE, Reach.MULTI))
    content = table[first] or b""
    return Finding(
        severity,
        f"no text produces {len(dead):,} of {tokens:,} tokens: {one:,} are encoded as one other token, "
        f"{several:,} as several",
        content.decode(errors="replace"),
        f"token {first} becomes {subject.tokenizer.encode(content.decode(errors='replace'))}",
    )


def check_merges(subject: Subject) -> Finding:
    """Look for merges that cannot fire."""
    found = find_dead_merges(subject)
    if found is None:
        return not_applicable("it has no merges")
    if not found.dead:
        return passed(f"each of {found.merges:,} merges can fire")
    severity = Severity.NOTE if len(found.dead) <= FEW * found.merges or found.whole else Severity.WARNING
    also = " (a whole word is still found in the vocabulary)" if found.whole else ""
    first = min(found.dead, key=lambda merge: (len("".join(merge.parts)), merge.parts))
    return Finding(
        severity,
        f"{len(found.dead):,} of {found.merges:,} merges cannot fire{also}",
        " + ".join(first.parts),
        f"{' + '.join(first.instead)}",
    )
