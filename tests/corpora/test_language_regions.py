"""Regions of languages: by the territory of the tag, else of CLDR, never by a guess."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokbench.analysis.ranking import rank
from tokbench.corpora import name_region
from tokbench.corpora._language_regions import _MEMBERS, _REGIONS, UNKNOWN, find_territory


@pytest.mark.parametrize(
    ("tag", "territory", "region"),
    [
        ("en", "US", "Northern America"),
        ("en-GB", "GB", "Northern Europe"),
        ("deu_Latn", "DE", "Western Europe"),
        ("zho_Hans", "CN", "Eastern Asia"),
        ("zho_Hant", "TW", "Eastern Asia"),
        ("swh_Latn", "TZ", "Sub-Saharan Africa"),
        ("pt", "BR", "Latin America and the Caribbean"),
        ("pt_PT", "PT", "Southern Europe"),
        ("acm_Arab", "IQ", "Western Asia"),  # langcodes' `maximize` says US
        ("fuv_Latn", "NG", "Sub-Saharan Africa"),
        ("mri", "NZ", "Australia and New Zealand"),
        ("epo", None, UNKNOWN),
        ("ydd_Hebr", None, UNKNOWN),
        ("python", None, UNKNOWN),
        ("", None, UNKNOWN),
    ],
)
def test_a_language_is_of_the_region_of_its_territory(tag: str, territory: str | None, region: str) -> None:
    assert (find_territory(tag), name_region(tag)) == (territory, region)


def test_each_territory_is_in_one_region() -> None:
    listed = [territory for region in _REGIONS.values() for territory in region.split()]
    assert len(listed) == len(set(listed)) == 249
    assert {entry.split(":")[1] for entry in _MEMBERS.split()} <= set(listed)


def test_almost_all_languages_of_the_public_corpora_have_a_region() -> None:
    tags = {tag for corpus in ("flores200/dev", "ntrex128") for tag in rank(corpus=corpus)["lang"].unique()}
    assert {tag for tag in tags if name_region(tag) == UNKNOWN} == {"epo_Latn", "ydd_Hebr", "hmn"}


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.text(max_size=12), st.from_regex(r"[a-z]{2,3}([-_][A-Z][a-z]{3})?([-_][A-Z]{2})?", fullmatch=True)))
def test_any_label_has_a_region_or_none(label: str) -> None:
    assert name_region(label) in {*_REGIONS, UNKNOWN}
