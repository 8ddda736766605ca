"""Scripts of languages: from the tag, else the usual script of the language."""

from __future__ import annotations

from functools import cache

from tokbench.corpora import parse_tag, same_language

# Languages not usually written in Latin script, by ISO 15924 script code, after CLDR.
_USUAL = {
    "Arab": "ar fa ur ps sd ug ks ckb",
    "Armn": "hy",
    "Beng": "as bn",
    "Cyrl": "ab av ba be bg ce cv kk kv ky mk mn os ru sr tg tt uk",
    "Deva": "awa bh bho hi hne mag mai mr ne sa",
    "Ethi": "am ti",
    "Geor": "ka",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hans": "zh",
    "Hant": "yue",
    "Hebr": "he yi",
    "Jpan": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Kore": "ko",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mymr": "my shn",
    "Olck": "sat",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thaa": "dv",
    "Thai": "th",
    "Tibt": "bo dz",
}
_NAMES = """
Arab:Arabic Armn:Armenian Beng:Bengali Cyrl:Cyrillic Deva:Devanagari Ethi:Ethiopic Geor:Georgian Grek:Greek
Gujr:Gujarati Guru:Gurmukhi Hani:Chinese Hans:Chinese,_simplified Hant:Chinese,_traditional Hebr:Hebrew Jpan:Japanese
Khmr:Khmer Knda:Kannada Kore:Korean Laoo:Lao Latn:Latin Mlym:Malayalam Mymr:Myanmar Olck:Ol_Chiki Orya:Odia Sinh:Sinhala
Taml:Tamil Telu:Telugu Tfng:Tifinagh Thaa:Thaana Thai:Thai Tibt:Tibetan
"""


@cache
def _script_of_language() -> dict[str, str]:
    return {language: script for script, languages in _USUAL.items() for language in languages.split()}


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
    if parsed.script is not None:
        return _name_of_script().get(parsed.script, parsed.script)
    usual = _script_of_language()
    alike = [parsed.language] if parsed.language in usual else same_language(parsed.language, usual)
    return _name_of_script()[usual[alike[0]] if alike else "Latn"]
