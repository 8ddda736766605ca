"""Choose languages of a corpus by tags in any notation, or by English names."""

from __future__ import annotations

from collections.abc import Sequence

from tokbench._shared.registry import closest
from tokbench.corpora._language_facts import find_code
from tokbench.corpora._languages import (
    canonical_tag,
    individual_code,
    parse_tag,
    pick_script,
    same_language,
    shortest_code,
)
from tokbench.errors import TokbenchError


def choose_languages(
    available: Sequence[str], wanted: Sequence[str] | None, where: str, *, kind: str = "language"
) -> tuple[str, ...]:
    """Return the languages to read: all, or those wanted, in their order, once each.

    kind: what they are called in errors.
    They may be written in any notation (`th`, `tha`, `tha_Thai`) or by their English name (`thai`).
    A string with commas (`en,zh`) is read as several tags.
    Raises TokbenchError for an unavailable one, suggesting the closest tag, and for one that may mean several.
    """
    if wanted is None:
        return tuple(available)
    if isinstance(wanted, str):
        wanted = [tag.strip() for tag in wanted.split(",")]
    if not wanted:
        raise TokbenchError(f"{where}: the list of {kind}s is empty", f"available: {_shortened(available)}")
    return tuple(dict.fromkeys(_resolve(tag, available, where, kind) for tag in wanted))


def _resolve(wanted: str, available: Sequence[str], where: str, kind: str) -> str:
    """Return the language of a corpus that a tag or an English name means; TokbenchError if none, or several."""
    if wanted in available:
        return wanted
    alike = _find_alike(wanted, available)
    if len(alike) == 1:
        return alike[0]
    if alike:
        names = " or ".join(repr(name) for name in alike)
        raise TokbenchError(f"{where}: {wanted!r} may be {names}", "give one of them")
    raise _unknown(wanted, available, where, kind)


def _find_alike(wanted: str, available: Sequence[str]) -> list[str]:
    """Return the languages that a tag or an English name may mean, narrowed down as far as its rules allow.

    Of several, those that are the very language come first (`ar` is arb, not arz), then those in its usual script (`zh`
    is zho_Hans, `zh-TW` zho_Hant), then those without a region, then those in its usual one (`en` is eng-US).
    """
    from langcodes import Language

    text = canonical_tag(wanted)
    tag = parse_tag(text)
    if tag is None:
        named = find_code(wanted)
        tag = None if named is None else parse_tag(named)
    if tag is None:
        # A code that is known only with a script, such as azb.
        return [name for name in available if (parsed := parse_tag(name)) and parsed.language == wanted.lower()]
    text = "-".join(part for part in tag if part)
    language, script = individual_code(tag.language), pick_script(tag)
    left = [(name, parsed) for name in same_language(text, available) if (parsed := parse_tag(name))]
    if tag.script or tag.region:  # `zh-TW` is not in the usual script
        left = [item for item in left if pick_script(item[1]) == script]
    usual = Language.get(f"{shortest_code(tag.language)}-{script}").maximize().territory
    for rule in (
        lambda parsed: individual_code(parsed.language) == language,
        lambda parsed: pick_script(parsed) == script,
        lambda parsed: parsed.region == tag.region,
        lambda parsed: parsed.region == usual,
    ):
        kept = [item for item in left if rule(item[1])]
        left = kept or left
    return [name for name, _ in left]


def choose_reference(languages: Sequence[str], reference: str | None, where: str) -> str:
    """Return the reference language: the one named, else English, else the first.

    Raises TokbenchError for an unknown one.
    """
    if reference is not None:
        return choose_languages(languages, [reference], where)[0]
    return (same_language("en", languages) or languages)[0]


def _unknown(tag: str, available: Sequence[str], where: str, kind: str) -> TokbenchError:
    alike = same_language(tag, available)
    near = closest(tag, list(available))
    if alike:
        hint = f"did you mean {' or '.join(repr(name) for name in alike)}?"
    elif near:
        hint = f"did you mean {near!r}?"
    else:
        hint = f"available: {_shortened(available)}"
    return TokbenchError(f"{where} has no {kind} {tag!r}", hint)


def _shortened(tags: Sequence[str], most: int = 20) -> str:
    rest = len(tags) - most
    return ", ".join(tags[:most]) + (f" and {rest} more" if rest > 0 else "") if tags else "none"
