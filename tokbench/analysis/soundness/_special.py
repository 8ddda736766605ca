"""Checks of special tokens: their ids, and their text in plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tokbench._shared.quantities import write_count
from tokbench.analysis.soundness._subject import Subject
from tokbench.analysis.soundness._verdict import Finding, Severity, list_some, not_applicable, passed
from tokbench.errors import TokbenchError

_MARKUP = re.compile(r"<\|.+\|>|\[/?[A-Z][A-Z_]+\]|</?s>|<[a-z]+(?:_[a-z0-9]+)+>")
_ADDED = re.compile(r"</?[A-Za-z_|][^<>\s]*>|\[/?[A-Z_]+\]")
"""Texts that look like markup of a model: `<|user|>`, `</s>`, `[INST]`; more widely where a token was added."""


def check_special_ids(subject: Subject) -> Finding:
    """Check that special ids are distinct, in range, and come back as themselves."""
    special = subject.reference.special_tokens()
    if not special:
        return not_applicable("it has no special tokens")
    total = subject.reference.vocab_total
    outside = [f"{text or number} = {number}" for number, text in special.items() if not 0 <= number < total]
    if outside:
        return Finding(Severity.ERROR, f"special ids beyond the {total:,} ids: {list_some(outside)}", outside[0])
    named = {number: text for number, text in special.items() if text}
    by_text: dict[str, list[int]] = {}
    for number, text in named.items():
        by_text.setdefault(text, []).append(number)
    for text, numbers in by_text.items():
        if len(numbers) > 1:
            return Finding(Severity.ERROR, f"a special token has several ids: {numbers}", text)
    return check_returns(subject, named)


def check_returns(subject: Subject, named: Mapping[int, str]) -> Finding:
    """Check that the text of each special token, read as such, gives its id, and the id its text."""
    try:
        batch = subject.reference.encode_with_special(list(named.values()))
    except TokbenchError:
        return passed(
            f"{write_count(len(named), 'special id')}, distinct and in range; its engine reads none from text"
        )
    for ids, (number, text) in zip(batch, named.items(), strict=True):
        if ids.tolist() != [number]:
            return Finding(
                Severity.ERROR, f"read as a special token, {text!r} does not give {number}", text, f"{ids.tolist()}"
            )
    backs = [subject.reference.decode([number]) for number in named]
    changed = [(text, back) for text, back in zip(named.values(), backs, strict=True) if back.strip() != text.strip()]
    if changed:
        return Finding(
            Severity.ERROR, f"{write_count(len(changed), 'special id')} with another text when decoded", *changed[0]
        )
    return passed(f"{write_count(len(named), 'special id')}, distinct, in range, and back as they were")


def check_special_text(subject: Subject) -> Finding:
    """Check that the text of special tokens, and what looks like it, is plain text."""
    special = {text: number for number, text in subject.reference.special_tokens().items() if text}
    texts = [text for text in special if number_differs(subject, special[text])]
    framed = [(text, frame.format(text)) for text in texts for frame in ("{}", "a {} b", "a{}b")]
    batch = subject.tokenizer.encode_batch([whole for _, whole in framed])
    obeyed = [text for (text, _), ids in zip(framed, batch, strict=True) if special[text] in ids]
    if obeyed:
        (first, *_) = obeyed = list(dict.fromkeys(obeyed))
        return Finding(
            Severity.ERROR,
            f"plain text gives {write_count(len(obeyed), 'special id')}, so that a user can write: {list_some(obeyed)}",
            first,
            f"{subject.tokenizer.encode(first)}",
        )
    matched = find_matched(subject)
    if matched:
        return Finding(
            Severity.WARNING,
            f"plain text gives {write_count(len(matched), 'id')} of tokens that look like markup and are not special: "
            f"{list_some(matched)}",
            matched[0],
            f"{subject.tokenizer.encode(matched[0])}",
        )
    if not texts:
        return not_applicable("the text of no special token is known")
    return passed(f"the text of {write_count(len(texts), 'special token')} gives ordinary ids")


def number_differs(subject: Subject, number: int) -> bool:
    """Return whether a special id is not the unknown one, which any text may give."""
    return number != subject.tokenizer.unk_id


def find_matched(subject: Subject) -> list[str]:
    """Return reserved texts that look like markup and are one token in plain text."""
    special = set(subject.reference.special_tokens().values())
    added = subject.pipeline.added if subject.pipeline is not None else subject.model.added if subject.model else {}
    contents = {token.content for token in added.values()}
    candidates = [
        text
        for text in subject.reference.reserved_texts()
        if text not in special and (_MARKUP.fullmatch(text) or (text in contents and _ADDED.fullmatch(text)))
    ]
    table = subject.reference.token_table()
    batch = subject.tokenizer.encode_batch([f"a{text}b" for text in candidates])
    return [
        text
        for text, ids in zip(candidates, batch, strict=True)
        if any(table[int(number)] == text.encode() for number in ids)
    ]
