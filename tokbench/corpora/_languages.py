"""Language tags as corpora write them: en, eng, eng_Latn, zho-CN, zh-Hans-CN."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError

# Languages of FLORES-200 and NTREX-128 without a two-letter code. Not all of ISO 639-3: "src", "tgt", "doc", "url" and
# "row" are codes in it, and so are many three-letter file extensions.
_ISO_639_3 = """
ace acm acq aeb ajp apc ars ary arz ast awa ban bem bho bjn bug ceb cjk ckb crh dik dyu fil fon fur gsw hmn hne ilo kab
kac kam kbp kea kmb lij lmo ltg lua luo lus mag mai mey min mni mos nso nus pag pap prs sat scn shi shn szl taq tgl tl
tpi tum tzm umb vec war yue
"""
# Withdrawn and rare codes that are usual file extensions or heads of columns.
_WORDS = frozenset({"drw", "in", "mo", "scr", "sh", "src"})
# Members of macrolanguages that corpora use for the whole, beside those that langcodes replaces (arb, cmn, pes, ...).
_WHOLE = {"fuv": "ff", "nb": "no", "pbt": "ps", "quy": "qu"}
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3}|[A-Z]{2,3})(?:[-_](?P<script>[A-Z][a-z]{3}))?"
    r"(?:[-_](?P<region>[A-Z]{2}|[0-9]{3}))?(?P<variants>(?:[-_](?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
)
# Locales that corpora write in lower case (OPUS, FLEURS). Not every region: `en_de` may be a pair of languages.
_LOWER_CASE = """
af_za am_et ar_ae ar_eg ar_sa as_in ast_es az_az be_by bg_bg bn_bd bn_in bs_ba ca_es ceb_ph ckb_iq cs_cz cy_gb da_dk
de_at de_ch de_de el_gr en_au en_ca en_gb en_in en_us es_ar es_es es_mx et_ee eu_es fa_ir ff_sn fi_fi fil_ph fr_be
fr_ca fr_ch fr_fr ga_ie gl_es gu_in ha_ng he_il hi_in hr_hr hu_hu hy_am id_id ig_ng is_is it_ch it_it ja_jp jv_id
ka_ge kam_ke kea_cv kk_kz km_kh kn_in ko_kr ky_kg lb_lu lg_ug ln_cd lo_la lt_lt luo_ke lv_lv mi_nz mk_mk ml_in mn_mn
mr_in ms_my mt_mt my_mm nb_no ne_np nl_be nl_nl nn_no nso_za ny_mw oc_fr om_et or_in pa_in pl_pl ps_af pt_br pt_pt
ro_ro ru_ru sd_in sk_sk sl_si sn_zw so_so sr_rs sv_se sw_ke ta_in te_in tg_tj th_th tr_tr uk_ua umb_ao ur_pk uz_uz
vi_vn wo_sn xh_za yo_ng zh_cn zh_hk zh_sg zh_tw zu_za
"""
# Codes that are also usual heads of columns without text.
_ALSO_WORDS = frozenset({"id", "no", "to"})


class Tag(NamedTuple):
    """The parts of a language tag; `language` is the code as written, in lower case."""

    language: str
    script: str | None
    region: str | None


@cache
def shortest_code(code: str) -> str:
    """Return the shortest code of a language, of the macrolanguage where it has one: `zh` for zho, chi and cmn.

    A code that no list has comes back as it is.
    """
    from langcodes import standardize_tag

    standard = standardize_tag(code, macro=True)
    return _WHOLE.get(standard, standard)


@cache
def _is_known(code: str) -> bool:
    from langcodes import Language

    standard = Language.get(shortest_code(code))
    short = len(standard.language or "") == 2 and standard.is_valid()
    return code in _ISO_639_3.split() or (short and code not in _WORDS)


@cache
def _lower_case() -> frozenset[str]:
    return frozenset(_LOWER_CASE.split())


def parse_tag(text: str) -> Tag | None:
    """Parse a language tag; return None if `text` is not one.

    A bare code, or one with only a region, must be a known language (`log`, `src` and `md` are not); with a script or a
    region any three letters will do (`gsw-BE`, `dgo_Deva`). Regions are upper case, so that the pair `en-de` is not a
    tag; common locales are also known in lower case (`pt_br`, `zh_cn`).
    """
    match = _TAG.fullmatch(canonical_tag(text) if text in _lower_case() else text)
    if match is None:
        return None
    tag = Tag(match["language"].lower(), match["script"], match["region"])
    marked = tag.script is not None or tag.region is not None
    known = _is_known(tag.language) or (marked and len(tag.language) == 3)
    return tag if known else None


@cache
def pick_script(tag: Tag) -> str:
    """Return the script code of a tag, the usual one of its language and region if it names none, else Latn."""
    from langcodes import Language

    standard = Language.get(shortest_code(tag.language))
    script, region = tag.script or standard.script, tag.region or standard.territory
    if script is None:
        script = Language.make(language=standard.language, territory=region).maximize().script
    return script or "Latn"


def is_column_tag(text: str) -> bool:
    """Return whether a column called `text` is taken for a language by itself.

    `id`, `no` and `to` are both languages and words, so they must be named (`id=id`).
    """
    return text.lower() not in _ALSO_WORDS and parse_tag(text) is not None


def canonical_tag(text: str) -> str:
    """Return the tag in BCP 47's usual case: `EN-us` becomes `en-US`."""
    head, *rest = re.split(r"([-_])", text)
    cased = [head.lower()]
    for part in rest:
        if len(part) == 4 and part.isalpha():
            part = part.title()
        elif len(part) == 2 and part.isalpha():
            part = part.upper()
        cased.append(part)
    return "".join(cased)


def same_language(tag: str, known: Iterable[str]) -> list[str]:
    """Return those of `known` that are the language of `tag`, however written.

    Notation, script and region may differ (en: eng_Latn, eng-US).
    A script or region that both tags have must agree.
    """
    wanted = parse_tag(canonical_tag(tag))
    if wanted is None:
        return []
    language = shortest_code(wanted.language)
    matches = []
    for candidate in known:
        other = parse_tag(candidate)
        if other is None or shortest_code(other.language) != language:
            continue
        if wanted.script and other.script and wanted.script != other.script:
            continue
        if wanted.region and other.region and wanted.region != other.region:
            continue
        matches.append(candidate)
    return matches


def choose_languages(available: Sequence[str], wanted: Sequence[str] | None, where: str) -> tuple[str, ...]:
    """Return the languages to read: all, or those wanted, in their order, once each.

    A string with commas (`en,zh`) is read as several tags.
    Raises TokbenchError for an unavailable one, suggesting the closest tag.
    """
    if wanted is None:
        return tuple(available)
    if isinstance(wanted, str):
        wanted = [tag.strip() for tag in wanted.split(",")]
    for tag in wanted:
        if tag not in available:
            raise _unknown(tag, available, where)
    if not wanted:
        raise TokbenchError(f"{where}: the list of languages is empty", f"available: {_shortened(available)}")
    return tuple(dict.fromkeys(wanted))


def choose_reference(languages: Sequence[str], reference: str | None, where: str) -> str:
    """Return the reference language: the one named, else English, else the first.

    Raises TokbenchError for an unknown one.
    """
    if reference is not None:
        return choose_languages(languages, [reference], where)[0]
    return (same_language("en", languages) or languages)[0]


def _unknown(tag: str, available: Sequence[str], where: str) -> TokbenchError:
    alike = same_language(tag, available)
    near = closest(tag, list(available))
    if alike:
        hint = f"did you mean {' or '.join(repr(name) for name in alike)}?"
    elif near:
        hint = f"did you mean {near!r}?"
    else:
        hint = f"available: {_shortened(available)}"
    return TokbenchError(f"{where} has no language {tag!r}", hint)


def _shortened(tags: Sequence[str], most: int = 20) -> str:
    rest = len(tags) - most
    return ", ".join(tags[:most]) + (f" and {rest} more" if rest > 0 else "") if tags else "none"
