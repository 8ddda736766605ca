"""English names and families of languages.

The names are those usual in English; `langcodes` has them only with data thirty times as large as itself. The families
are the top-level ones of Glottolog (https://glottolog.org), for the languages of FLORES-200, NTREX-128 and the bundled
corpora.
"""

from __future__ import annotations

from functools import cache

from tokbench.corpora._languages import parse_tag, shortest_code

# Codes of ISO 639-3. Of several that share a shorter code, such as those of Arabic, the first has its name.
_FAMILIES = {
    "Afro-Asiatic": """
        ara:Arabic arb:Arabic acm:Mesopotamian_Arabic acq:Ta'izzi-Adeni_Arabic aeb:Tunisian_Arabic
        ajp:South_Levantine_Arabic apc:North_Levantine_Arabic ars:Najdi_Arabic ary:Moroccan_Arabic arz:Egyptian_Arabic
        mey:Hassaniya_Arabic amh:Amharic orm:Oromo gaz:West_Central_Oromo hau:Hausa heb:Hebrew kab:Kabyle mlt:Maltese
        shi:Tachelhit som:Somali taq:Tamasheq tir:Tigrinya tzm:Central_Atlas_Tamazight""",
    "Atlantic-Congo": """
        aka:Akan twi:Twi bem:Bemba cjk:Chokwe ewe:Ewe fon:Fon ful:Fulah fuv:Nigerian_Fulfulde fuc:Pulaar ibo:Igbo
        kam:Kamba kbp:Kabiyè kik:Kikuyu kin:Kinyarwanda kmb:Kimbundu kon:Kongo lin:Lingala lua:Luba-Kasai lug:Ganda
        mos:Mossi nde:North_Ndebele nso:Northern_Sotho nya:Nyanja run:Rundi sag:Sango sna:Shona sot:Southern_Sotho
        ssw:Swati swa:Swahili swh:Swahili tsn:Tswana tso:Tsonga tum:Tumbuka umb:Umbundu ven:Venda wol:Wolof xho:Xhosa
        yor:Yoruba zul:Zulu""",
    "Austroasiatic": "khm:Khmer sat:Santali vie:Vietnamese",
    "Austronesian": """
        ace:Acehnese ban:Balinese bjn:Banjar bug:Buginese ceb:Cebuano fij:Fijian fil:Filipino tgl:Tagalog ilo:Iloko
        ind:Indonesian jav:Javanese min:Minangkabau mlg:Malagasy plt:Plateau_Malagasy mri:Māori msa:Malay
        zsm:Standard_Malay pag:Pangasinan smo:Samoan sun:Sundanese tah:Tahitian ton:Tongan war:Waray""",
    "Aymaran": "aym:Aymara ayr:Central_Aymara",
    "Basque": "eus:Basque",
    "constructed": "epo:Esperanto",
    "Dravidian": "kan:Kannada mal:Malayalam tam:Tamil tel:Telugu",
    "Hmong-Mien": "hmn:Hmong",
    "Indo-European": """
        afr:Afrikaans sqi:Albanian als:Tosk_Albanian asm:Assamese ast:Asturian awa:Awadhi bel:Belarusian ben:Bengali
        bho:Bhojpuri bos:Bosnian bul:Bulgarian cat:Catalan ces:Czech kur:Kurdish ckb:Central_Kurdish
        kmr:Northern_Kurdish cym:Welsh dan:Danish deu:German div:Dhivehi ell:Greek eng:English fao:Faroese fra:French
        fur:Friulian gla:Scottish_Gaelic gle:Irish glg:Galician guj:Gujarati hat:Haitian_Creole hin:Hindi
        hne:Chhattisgarhi hrv:Croatian hye:Armenian isl:Icelandic ita:Italian kas:Kashmiri kea:Kabuverdianu
        lav:Latvian lvs:Latvian ltg:Latgalian lij:Ligurian lim:Limburgish lit:Lithuanian lmo:Lombard
        ltz:Luxembourgish mag:Magahi mai:Maithili mar:Marathi mkd:Macedonian nep:Nepali npi:Nepali nld:Dutch
        nor:Norwegian nob:Norwegian_Bokmål nno:Norwegian_Nynorsk oci:Occitan ori:Odia ory:Odia pan:Punjabi
        pap:Papiamento fas:Persian pes:Iranian_Persian prs:Dari pus:Pashto pbt:Southern_Pashto pol:Polish
        por:Portuguese ron:Romanian rus:Russian san:Sanskrit scn:Sicilian sin:Sinhala slk:Slovak slv:Slovenian
        snd:Sindhi spa:Spanish srd:Sardinian srp:Serbian swe:Swedish szl:Silesian tgk:Tajik tpi:Tok_Pisin
        ukr:Ukrainian urd:Urdu vec:Venetian yid:Yiddish ydd:Eastern_Yiddish""",
    "Japonic": "jpn:Japanese",
    "Kartvelian": "kat:Georgian",
    "Koreanic": "kor:Korean",
    "Mande": "bam:Bambara dyu:Dyula",
    "Mongolic": "mon:Mongolian khk:Halh_Mongolian",
    "Nilotic": "din:Dinka dik:Southwestern_Dinka luo:Luo nus:Nuer",
    "Quechuan": "que:Quechua quy:Ayacucho_Quechua",
    "Saharan": "kau:Kanuri knc:Central_Kanuri",
    "Sino-Tibetan": """
        zho:Chinese yue:Cantonese bod:Tibetan dzo:Dzongkha kac:Jingpho lus:Mizo mni:Manipuri mya:Burmese""",
    "Tai-Kadai": "lao:Lao shn:Shan tha:Thai",
    "Tupian": "grn:Guarani",
    "Turkic": """
        aze:Azerbaijani azj:North_Azerbaijani azb:South_Azerbaijani bak:Bashkir crh:Crimean_Tatar kaz:Kazakh kir:Kyrgyz
        tat:Tatar tuk:Turkmen tur:Turkish uig:Uyghur uzb:Uzbek uzn:Northern_Uzbek""",
    "Uralic": "est:Estonian fin:Finnish hun:Hungarian",
}


@cache
def _read_facts() -> dict[str, tuple[str, str]]:
    """Return (name, family) by code of ISO 639-3, and by the shortest code of each."""
    facts = {
        code: (name.replace("_", " "), family)
        for family, listed in _FAMILIES.items()
        for code, name in (entry.split(":") for entry in listed.split())
    }
    return {shortest_code(code): fact for code, fact in reversed(facts.items())} | facts


def _find_facts(tag: str) -> tuple[str, str] | None:
    parsed = parse_tag(tag)
    if parsed is None:
        return None
    facts = _read_facts()
    return facts.get(parsed.language) or facts.get(shortest_code(parsed.language))


@cache
def name_language(tag: str) -> str:
    """Return a language's English name with its tag; the tag alone if it has no name here.

    >>> name_language("th"), name_language("zho_Hans"), name_language("python")
    ('Thai (th)', 'Chinese (zho_Hans)', 'python')
    """
    found = _find_facts(tag)
    return tag if found is None else f"{found[0]} ({tag})"


@cache
def name_family(tag: str) -> str:
    """Return the family of a language, as in Glottolog; `other` if it is not known here.

    >>> name_family("tha_Thai"), name_family("en"), name_family("python")
    ('Tai-Kadai', 'Indo-European', 'other')
    """
    found = _find_facts(tag)
    return "other" if found is None else found[1]
