"""A card of one tokenizer, composed of what the other analyses find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import tokbench
from tokbench._shared.environment import Now, now
from tokbench._shared.progress import EXAMINING, NO_PROGRESS, Progress
from tokbench.adapters import LibraryTokenizer, Tokenizer, adopt_tokenizer, load_tokenizer
from tokbench.adapters.selection import REFERENCE, InstalledEngine, take_sample, verify_engines
from tokbench.adapters.selection.verification import hide_folders
from tokbench.analysis.cards._facts import Facts, collect_facts
from tokbench.analysis.cards._losses import explain_losses
from tokbench.analysis.cards._pipeline import Pipeline, describe_pipeline
from tokbench.analysis.roundtrip import RoundTrip
from tokbench.analysis.soundness import CHECKS, Soundness, check_tokenizer
from tokbench.analysis.soundness._subject import Subject
from tokbench.analysis.vocabulary import VocabularyReport, inspect_vocabulary
from tokbench.comparison import Comparison, compare
from tokbench.corpora import Corpus, CorpusArgument, name_family, name_region, open_corpus, parse_tag, pick_script
from tokbench.metrics.group_premiums import find_group_premiums
from tokbench.metrics.groups import Group
from tokbench.metrics.resampling import Bootstrap

if TYPE_CHECKING:
    from tokbench.measurement.words import Segmenter

Found = TypeVar("Found")

ANALYSES = 5
"""Analyses that follow the comparison: the parts of the phase `EXAMINING`."""

LEFT_OUT = ("long-runs",)
"""Checks that measure time: two cards of the same tokenizer would differ."""


def find_script(tag: str) -> str:
    """Return the script code (ISO 15924) of a language tag; `other` if it is not one."""
    parsed = parse_tag(tag)
    return "other" if parsed is None else pick_script(parsed)


GROUPINGS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"script": find_script, "region": name_region, "family": name_family}
)
"""What languages are grouped by, each with the function from a tag to the name of its group."""


NO_GROUPS = frozenset({"other", "unknown"})
"""What a label is grouped under that is no language, or not known."""


@dataclass(frozen=True)
class GroupedPremium:
    """What the languages of a group pay: the mean of their premiums, with its interval (None: of a single unit).

    by: `script` (ISO 15924), `region` (M49) or `family` (Glottolog). languages: without the reference.
    """

    by: str
    group: str
    languages: tuple[str, ...]
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Card:
    """What there is to know of one tokenizer.

    comparison: its values on the corpus, on its reference engine, with intervals.
    premiums: of groups of languages; empty if the corpus is not parallel or has one language.
    soundness: the verdicts of `tokbench check`, without those that measure time.
    engines: the other engines that run its format, each compared with the reference on the hard texts and the corpus.
    """

    facts: Facts
    pipeline: Pipeline
    vocabulary: VocabularyReport
    round_trip: RoundTrip
    soundness: Soundness
    comparison: Comparison
    premiums: tuple[GroupedPremium, ...]
    engines: tuple[InstalledEngine, ...]

    @property
    def name(self) -> str:
        """Name of the tokenizer."""
        return self.facts.name

    @property
    def date(self) -> str:
        """When the card was made: year, month and day, UTC."""
        return self.comparison.environment.date[:10]

    def signature(self, *, long: bool = True) -> str:
        """Return what all values depend on, on one line: that of the comparison, for a card."""
        return self.comparison.signature(metric="card", long=long)

    def _repr_html_(self) -> str:
        """Return the essentials for notebooks."""
        return tokbench.load_presenter().show_card(self)

    def to_html(self) -> str:
        """Return the card as a page."""
        return tokbench.load_presenter().render_card(self, "html")

    def to_markdown(self) -> str:
        """Return the card in Markdown."""
        return tokbench.load_presenter().render_card(self, "markdown")

    def to_latex(self) -> str:
        """Return the tables of the card in LaTeX."""
        return tokbench.load_presenter().render_card(self, "latex")

    def save(self, path: str | Path) -> None:
        """Write the card to a file, in the format given by its extension."""
        tokbench.load_presenter().write_card(self, Path(path))

    def __repr__(self) -> str:
        return f"<Card of {self.name} on {self.comparison.corpus.name}>"


def card(
    tokenizer: str | Path | Tokenizer | LibraryTokenizer,
    corpus: CorpusArgument = None,
    *,
    reference: str | None = None,
    segmenter: Segmenter = "whitespace",
    offline: bool = False,
    progress: Progress = NO_PROGRESS,
    today: Now = now,
) -> Card:
    """Make the card of one tokenizer.

    tokenizer, corpus, reference, segmenter: as for `compare`. The tokenizer runs on its reference engine.
    progress: told how far the phases are: those of the comparison, then the analyses.
    today: the clock that dates the card; nothing else depends on the time.

    Raises MissingExtraError without the extra `unicode`, and TokbenchError for what cannot be loaded.
    """
    texts = open_corpus(corpus)
    loaded = load_reference(tokenizer, offline=offline)
    comparison = compare(
        [loaded],
        texts,
        reference=reference,
        segmenter=segmenter,
        throughput=False,
        engine=REFERENCE,
        offline=offline,
        progress=progress,
        today=today,
    )
    assert comparison.measurements is not None  # only what is loaded from JSON has none
    measurements, checks = comparison.measurements, [check.name for check in CHECKS if check.name not in LEFT_OUT]
    examine = Examination(progress)
    made = Card(
        facts=collect_facts(loaded),
        pipeline=describe_pipeline(Subject(loaded)),
        vocabulary=examine("vocabulary", lambda: inspect_vocabulary(loaded, texts)),
        round_trip=examine("round trip", lambda: explain_losses(loaded, texts, measurements)),
        soundness=examine("checks", lambda: check_tokenizer(loaded, select=checks)),
        comparison=comparison,
        premiums=examine("groups of languages", lambda: group_premiums(comparison)),
        engines=examine("engines", lambda: compare_engines(loaded, texts)),
    )
    progress.finish(EXAMINING)
    return made


class Examination:
    """Runs the analyses of a card one by one, and tells which one runs."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.begun = 0
        progress.start(EXAMINING, ANALYSES)

    def __call__(self, name: str, analyse: Callable[[], Found]) -> Found:
        """Run one analysis and return what it finds."""
        self.progress.advance(EXAMINING, min(self.begun, 1), name)
        self.begun += 1
        return analyse()


def load_reference(tokenizer: str | Path | Tokenizer | LibraryTokenizer, *, offline: bool) -> Tokenizer:
    """Return a tokenizer that is loaded already as it is, or load it on its reference engine."""
    if isinstance(tokenizer, str | Path):
        return load_tokenizer(tokenizer, offline=offline)
    return adopt_tokenizer(tokenizer)


def group_premiums(comparison: Comparison) -> tuple[GroupedPremium, ...]:
    """Return the premiums of each script, region and family, largest first within each.

    None of labels that are no languages.
    """
    corpus, measurements = comparison.corpus, comparison.measurements
    if measurements is None or corpus.reference is None or not corpus.aligned:
        return ()
    others = [lang for lang in corpus.languages if lang != corpus.reference]
    found: list[GroupedPremium] = []
    for by, name_group in GROUPINGS.items():
        members: dict[str, list[str]] = {}
        for lang in others:
            members.setdefault(name_group(lang), []).append(lang)
        if members.keys() <= NO_GROUPS:
            continue
        groups = [Group(name, languages=frozenset(langs)) for name, langs in members.items()]
        values = find_group_premiums(measurements, groups, corpus.reference, Bootstrap())
        found += sorted(
            (GroupedPremium(by, p.group, tuple(members[p.group]), p.value, p.low, p.high) for p in values),
            key=lambda premium: (-premium.value, premium.group),
        )
    return tuple(found)


def compare_engines(tokenizer: Tokenizer, corpus: Corpus) -> tuple[InstalledEngine, ...]:
    """Compare the engines installed with the reference, without the folders of this machine in their reasons."""
    asset = tokenizer.asset
    return tuple(
        replace(engine, reason=None if engine.reason is None else hide_folders(engine.reason, asset))
        for engine in verify_engines(asset, take_sample(corpus))
    )
