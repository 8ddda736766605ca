"""Checks of text: plain text, white space, invisible characters, notation, the pre-tokenizer."""

from __future__ import annotations

from collections.abc import Sequence

from tokbench._shared.quantities import write_count
from tokbench.adapters import Stage
from tokbench.analysis.roundtrip import TextClass, list_probes
from tokbench.analysis.soundness._subject import DECLARED, Loss, Subject, pick_smallest
from tokbench.analysis.soundness._verdict import Finding, Severity, list_some, not_applicable, passed

PLAIN = (
    *("a", "Z", "Hello, world!", "The quick brown fox jumps over the lazy dog.", "one two three", "don't", "3.14"),
    *("f(x) = y[0] + 1;", "user@example.org", "https://example.org/a?b=c#d", "50% of $3", "snake_case camelCase"),
    *("a/b\\c", "(a) [b] {c} <d>", "UPPER lower Title", "x1y2z3", "wait... what?!", "'a' \"b\" `c`", "a-b_c.d"),
)
_RUNS = (2, 3, 4, 8, 16, 17, 32, 33, 64)
LAYOUT = (
    *(" a", "a ", "a  b", "a\tb", "\ta", "a\t", "a\nb", "\na", "a\n", "a\n\nb", "a\r\nb", "a\rb", "a \n b", "\r\n\r\n"),
    *(f"a{' ' * n}b" for n in _RUNS),
    *(f"{' ' * n}a" for n in _RUNS),
    *(f"a\n{' ' * n}b" for n in _RUNS),
    *(f"a\n{chr(9) * n}b" for n in _RUNS[:5]),
    "def f(x):\n    if x:\n        return 1\n\n    return 2\n",
    "a:\n\t- b\n\t- c\r\n",
)
"""Spaces, tabs, line ends and indentation."""
_PICTURES = (
    "👨\u200d👩\u200d👧",
    "👨🏽",
    "🏳\ufe0f\u200d🌈",
    "1\ufe0f\u20e3",
    "\u2764\ufe0f",
    "\u2764\ufe0e",
    "🇩🇪",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "क्\u200dष",
    "क्\u200cष",
)
INVISIBLE = (
    *(f"a{picture}b" for picture in _PICTURES),
    *(f"a{chr(code)}b" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"),
    *(f"a{c}b" for c in "\xad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\ufe0f\ufff9"),
)
"""Emoji sequences, joiners, controls and format characters."""


def check_plain_text(subject: Subject) -> Finding:
    """Encode and decode plain text; lost white space has a check of its own."""
    losses = [loss for loss in subject.find_losses(PLAIN) if not differs_in_space(loss)]
    if not losses:
        return passed(f"{len(PLAIN)} plain texts come back (white space aside)")
    severity = Severity.NOTE if all(loss.stage in DECLARED for loss in losses) else Severity.ERROR
    return report_losses(subject, losses, len(PLAIN), "plain texts", severity)


def differs_in_space(loss: Loss) -> bool:
    """Return whether a text and what it decodes to differ in white space only."""
    return "".join(loss.text.split()) == "".join(loss.decoded.split())


def check_white_space(subject: Subject) -> Finding:
    """Encode and decode spaces, tabs, line ends and indentation, then any other white space."""
    losses = subject.find_losses(LAYOUT)
    if losses:
        return report_losses(subject, losses, len(LAYOUT), "texts with spaces, tabs or line ends", Severity.WARNING)
    others = [b for b in subject.round_trip.breakages if b.text_class is TextClass.WHITESPACE]
    if others:
        worst = min(others, key=lambda b: (b.stage in DECLARED, len(b.smallest)))
        severity = Severity.NOTE if worst.stage in DECLARED else Severity.WARNING
        found = f"{worst.stage} changes {write_count(sum(b.strings for b in others), 'rarer string')} of white space"
        survive = "spaces, tabs, line ends and indentation survive"
        return Finding(severity, f"the {found}; {survive}", worst.smallest, worst.decoded)
    return passed(
        f"{len(LAYOUT)} texts of spaces, tabs, line ends and indentation come back, and any other white space"
    )


def check_invisible(subject: Subject) -> Finding:
    """Encode and decode emoji sequences, joiners, controls and format characters."""
    losses = subject.find_losses(INVISIBLE)
    if not losses:
        return passed(f"{len(INVISIBLE)} emoji sequences, joiners, controls and format characters come back")
    worst = min(loss.severity.rank for loss in losses)
    return report_losses(subject, losses, len(INVISIBLE), "emoji sequences and controls", list(Severity)[worst])


def check_notation(subject: Subject) -> Finding:
    """Look among the round trips for text that the vocabulary writes for something else."""
    found = [b for b in subject.round_trip.breakages if b.text_class is TextClass.NOTATION]
    if not found:
        return passed("text in the vocabulary's own notation comes back")
    (first, *_) = found
    return Finding(
        Severity.NOTE,
        "text that is the vocabulary's own notation does not come back",
        first.smallest,
        first.decoded,
    )


def check_pre_tokenizer(subject: Subject) -> Finding:
    """Look for characters that are in no piece of the pre-tokenizer."""
    if all(stage is not Stage.PRE_TOKENIZER for stage, _ in subject.tokenizer.stages()):
        return not_applicable("it has no pre-tokenizer")
    probes = dict.fromkeys([*PLAIN, *subject.texts, *(probe.text for probe in list_probes(subject.tokenizer))])
    dropped = sorted(find_dropped(subject, list(probes)), key=lambda c: (not c.isascii(), c))
    if not dropped:
        return passed(f"no character of {len(probes):,} texts is dropped (white space aside)")
    points = list_some(f"U+{ord(c):04X}" for c in dropped)
    return Finding(
        Severity.ERROR,
        f"no piece holds {write_count(len(dropped), 'character')} of the text: {points}",
        dropped[0],
        "",
    )


def find_dropped(subject: Subject, texts: Sequence[str]) -> set[str]:
    """Return the characters, except white space, that the pre-tokenizer leaves out of these texts."""
    if subject.pipeline is None:
        lost = [loss for loss in subject.find_losses(texts) if loss.stage is Stage.PRE_TOKENIZER]
        return {c for loss in map(subject.shrink, lost[:20]) for c in loss.text if not c.isspace()}
    pre_tokenizer, normalizer = subject.pipeline.tokenizer.pre_tokenizer, subject.pipeline.tokenizer.normalizer
    dropped: set[str] = set()
    for text in texts:
        normal = text if normalizer is None else normalizer.normalize_str(text)
        kept = bytearray(len(normal))
        for _, (start, end) in pre_tokenizer.pre_tokenize_str(normal):
            kept[start:end] = b"\1" * (end - start)
        dropped.update(c for c, is_kept in zip(normal, kept, strict=True) if not is_kept and not c.isspace())
    return dropped


def report_losses(subject: Subject, losses: Sequence[Loss], count: int, what: str, severity: Severity) -> Finding:
    """Return the finding on texts that do not come back, with the smallest part that shows it."""
    smallest = subject.shrink(pick_smallest(losses))
    stages = " and the ".join(dict.fromkeys(str(loss.stage) for loss in losses))
    if all(loss.stage in DECLARED for loss in losses) and severity is not Severity.WARNING:
        stages = f"{stages}, as declared"
    evidence = f"{len(losses):,} of {count:,} {what} change in the {stages}"
    return Finding(severity, evidence, smallest.text, smallest.decoded)
