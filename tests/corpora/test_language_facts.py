"""Names and families of languages."""

from __future__ import annotations

import pytest

from helpers.data import SHARED_DATA, needs_data
from tokbench.corpora import load_corpus, name_family, name_language


@pytest.mark.parametrize(
    ("tag", "name", "family"),
    [
        ("th", "Thai (th)", "Tai-Kadai"),
        ("zho_Hant", "Chinese (zho_Hant)", "Sino-Tibetan"),
        ("arb_Arab", "Arabic (arb_Arab)", "Afro-Asiatic"),
        ("ary_Arab", "Moroccan Arabic (ary_Arab)", "Afro-Asiatic"),
        ("ar", "Arabic (ar)", "Afro-Asiatic"),
        ("de-AT", "German (de-AT)", "Indo-European"),
        ("nob_Latn", "Norwegian Bokmål (nob_Latn)", "Indo-European"),
        ("eus_Latn", "Basque (eus_Latn)", "Basque"),
        ("python", "python", "other"),
        ("xx", "xx", "other"),
    ],
)
def test_a_language_has_a_name_and_a_family(tag: str, name: str, family: str) -> None:
    assert (name_language(tag), name_family(tag)) == (name, family)


def test_every_language_of_the_bundled_corpus_has_both() -> None:
    languages = load_corpus().languages
    assert all(name_language(lang).endswith(f" ({lang})") for lang in languages)
    assert "other" not in map(name_family, languages)


@needs_data
def test_every_language_of_flores_has_both() -> None:
    assert SHARED_DATA is not None
    folder = SHARED_DATA / "corpora" / "flores200" / "dev"
    languages = sorted(path.name.partition(".")[0] for path in folder.iterdir())
    assert len(languages) == 204
    assert [lang for lang in languages if name_family(lang) == "other"] == []
    names = [name_language(lang) for lang in languages]
    assert len(set(names)) == 204
