"""Scripts of languages: from the tag, else the usual script of the language."""

from __future__ import annotations

from functools import cache

from tokbench.corpora import parse_tag, pick_script

# English names, after CLDR. They would take the package language_data, thirty times as large as langcodes.
_NAMES = """
Arab:Arabic Armn:Armenian Beng:Bengali Cyrl:Cyrillic Deva:Devanagari Ethi:Ethiopic Geor:Georgian Grek:Greek
Gujr:Gujarati Guru:Gurmukhi Hang:Hangul Hani:Chinese Hans:Chinese,_simplified Hant:Chinese,_traditional Hebr:Hebrew
Jpan:Japanese Khmr:Khmer Knda:Kannada Kore:Korean Laoo:Lao Latn:Latin Mlym:Malayalam Mymr:Myanmar Olck:Ol_Chiki
Orya:Odia Sinh:Sinhala Taml:Tamil Telu:Telugu Tfng:Tifinagh Thaa:Thaana Thai:Thai Tibt:Tibetan
"""


@cache
def _name_of_script() -> dict[str, str]:
    return dict(entry.replace("_", " ").split(":") for entry in _NAMES.split())


@cache
def name_script(tag: str) -> str:
    """Return the script name of a language tag; `other` if it is not a language tag.

    >>> name_script("srp_Latn"), name_script("sr"), name_script("mar")
    ('Latin', 'Cyrillic', 'Devanagari')
    """
    parsed = parse_tag(tag)
    if parsed is None:
        return "other"
    script = pick_script(parsed)
    return _name_of_script().get(script, script)
