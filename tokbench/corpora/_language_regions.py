"""Regions of the world that languages are of.

The region of a language is the sub-region of the United Nations (M49) that its territory lies in: the territory of its
tag, else the likeliest one of CLDR, as `langcodes` has it. It says where a language is at home by that list, not who
speaks it: English is of Northern America, Portuguese of Latin America, Spanish of Southern Europe.
"""

from __future__ import annotations

from functools import cache

from tokbench.corpora._languages import parse_tag, pick_script

UNKNOWN = "unknown"
"""The region of a language without a territory: constructed, or not in CLDR's list."""

# Territories by the sub-regions of https://unstats.un.org/unsd/methodology/m49, and Taiwan and Kosovo by geography.
_REGIONS = {
    "Northern Africa": "DZ EG EH LY MA SD TN",
    "Sub-Saharan Africa": """
        AO BF BI BJ BW CD CF CG CI CM CV DJ ER ET GA GH GM GN GQ GW IO KE KM LR LS MG ML MR MU MW MZ NA NE NG RE RW SC
        SH SL SN SO SS ST SZ TD TF TG TZ UG YT ZA ZM ZW""",
    "Latin America and the Caribbean": """
        AG AI AR AW BB BL BO BQ BR BS BV BZ CL CO CR CU CW DM DO EC FK GD GF GP GS GT GY HN HT JM KN KY LC MF MQ MS MX
        NI PA PE PR PY SR SV SX TC TT UY VC VE VG VI""",
    "Northern America": "BM CA GL PM US",
    "Central Asia": "KG KZ TJ TM UZ",
    "Eastern Asia": "CN HK JP KP KR MN MO TW",
    "South-eastern Asia": "BN ID KH LA MM MY PH SG TH TL VN",
    "Southern Asia": "AF BD BT IN IR LK MV NP PK",
    "Western Asia": "AE AM AZ BH CY GE IL IQ JO KW LB OM PS QA SA SY TR YE",
    "Eastern Europe": "BG BY CZ HU MD PL RO RU SK UA",
    "Northern Europe": "AX DK EE FI FO GB GG IE IM IS JE LT LV NO SE SJ",
    "Southern Europe": "AD AL BA ES GI GR HR IT ME MK MT PT RS SI SM VA XK",
    "Western Europe": "AT BE CH DE FR LI LU MC NL",
    "Australia and New Zealand": "AU CC CX HM NF NZ",
    "Melanesia": "FJ NC PG SB VU",
    "Micronesia": "FM GU KI MH MP NR PW UM",
    "Polynesia": "AS CK NU PF PN TK TO TV WF WS",
}


# Members of macrolanguages, which CLDR lists by the macrolanguage alone, with the territory where most speakers live.
_MEMBERS = """
acm:IQ acq:YE ajp:JO als:AL apc:SY arb:EG ayr:BO azb:IR azj:AZ cjk:AO dik:SS fuc:SN gaz:ET kbp:TG khk:MN kmr:TR knc:NG
lus:IN lvs:LV mey:MR npi:NP ory:IN pbt:AF pes:IR plt:MG prs:AF quy:PE swh:TZ taq:ML twi:GH uzn:UZ zsm:MY
"""


@cache
def _territory_of_member() -> dict[str, str]:
    return dict(entry.split(":") for entry in _MEMBERS.split())


@cache
def _region_of_territory() -> dict[str, str]:
    return {territory: region for region, listed in _REGIONS.items() for territory in listed.split()}


@cache
def find_territory(tag: str) -> str | None:
    """Return the territory of a language tag, else CLDR's likeliest; None if neither says one.

    >>> find_territory("zho_Hant"), find_territory("es-MX"), find_territory("epo"), find_territory("python")
    ('TW', 'MX', None, None)
    """
    from langcodes import Language, standardize_tag
    from langcodes.data_dicts import LIKELY_SUBTAGS

    parsed = parse_tag(tag)
    if parsed is None:
        return None
    if parsed.region is not None:
        return parsed.region
    if parsed.language in (own := _territory_of_member()):
        return own[parsed.language]
    # `maximize` takes a language that is not in the list for one of the United States.
    known = next((code for code in (parsed.language, standardize_tag(parsed.language)) if code in LIKELY_SUBTAGS), None)
    if known is None:
        return None
    territory = Language.make(language=known, script=pick_script(parsed)).maximize().territory
    return territory if territory in _region_of_territory() else None


@cache
def name_region(tag: str) -> str:
    """Return the M49 sub-region of a language's territory; `unknown` without one.

    >>> name_region("swh_Latn"), name_region("zh"), name_region("en-GB"), name_region("python")
    ('Sub-Saharan Africa', 'Eastern Asia', 'Northern Europe', 'unknown')
    """
    territory = find_territory(tag)
    return UNKNOWN if territory is None else _region_of_territory().get(territory, UNKNOWN)
