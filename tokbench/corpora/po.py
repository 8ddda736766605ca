"""A gettext catalogue (PO): each message and its translation.

The language of the translations is that of the header, else of the file's name or folder (`de.po`,
`de/LC_MESSAGES/app.po`); that of the messages is English, unless the header has `X-Source-Language` or the option
`source=LANG` says otherwise; `target=LANG` overrides the header. A catalogue without translations has one language.
Untranslated messages are missing, fuzzy and obsolete ones are left out, and of plurals the singular is read.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._content import refuse_compressed
from tokbench.corpora._file_names import language_of
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._languages import canonical_tag, parse_tag
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, text_series
from tokbench.corpora._storage import is_file, stem_of, strip_compression, suffix_of
from tokbench.corpora._utf8 import read_bytes
from tokbench.errors import TokbenchError

_KEYWORD = re.compile(r'(?P<word>msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s*(?P<string>".*")\s*')
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BYTE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2}))")
# A run of escaped bytes, which may be one character, or another escape.
_ESCAPE = re.compile(rf"((?:{_BYTE.pattern})+)|\\(.)")
# Codecs that are no charsets of texts, some of them slow.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def claims(path: Path) -> bool:
    """Claim a .po or .pot file."""
    return is_file(path) and suffix_of(path) in {".po", ".pot"}


@dataclass
class _Message:
    strings: dict[str, str] = field(default_factory=dict)
    fuzzy: bool = False
    line: int = 0


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read messages and translations; TokbenchError with file and line for what is not PO."""
    settings, named = split_options(options, ("source", "target"))
    if named:
        raise TokbenchError(f"{path} has no columns, but {', '.join(named)} is given", "give source=LANG,target=LANG")
    messages = _parse(path, *_decode(path))
    header = dict(re.findall(r"^([\w-]+):[ \t]*(.*?)[ \t]*$", _find_header(messages), re.MULTILINE))
    entries = [message for message in messages if message.strings.get("msgid")]
    kept = [message for message in entries if not message.fuzzy]
    if not kept:
        raise TokbenchError(f"{path} contains no message", "give a catalogue with messages that are not fuzzy")
    translated = [m.strings.get("msgstr") or m.strings.get("msgstr[0]") or None for m in kept]
    source = settings.get("source") or canonical_tag(header.get("X-Source-Language", "")) or "en"
    target = settings.get("target") or _find_target(path, header)
    if any(translated) and (target is None or target == source):
        what = "does not tell the language of its translations" if target is None else f"is from {source} to {target}"
        raise TokbenchError(f"{path} {what}", f"give it: {path}:source=en,target=de")
    texts: dict[str, list[str | None]] = {source: [message.strings["msgid"] for message in kept]}
    if target is not None and any(translated):
        texts[target] = translated
    fuzzy, plural = len(entries) - len(kept), sum("msgid_plural" in message.strings for message in kept)
    chosen = choose_languages(list(texts), languages, str(path))
    return RawCorpus(
        name=stem_of(path),
        columns=[LanguageText(lang, text_series(texts[lang]), f"{path}, messages in {lang}") for lang in chosen],
        left_out=[LeftOut(f"{n} {what}", why) for n, what, why in (
            (fuzzy, "messages", "they are fuzzy"), (plural, "plural forms", "the singular is read")) if n],
    )  # fmt: skip


def _find_header(messages: Sequence[_Message]) -> str:
    found = (message.strings.get("msgstr", "") for message in messages if message.strings.get("msgid") == "")
    return next(found, "")


def _find_target(path: Path, header: Mapping[str, str]) -> str | None:
    """Return the language of the translations: that of the header, of the file's name, or of a folder."""
    names = [header.get("Language", ""), header.get("X-Language", "")]
    names += [language_of(strip_compression(path.name).rpartition(".")[0]) or "", stem_of(path)]
    names += [folder.name for folder in list(path.parents)[:2]]
    return next((canonical_tag(name) for name in names if parse_tag(canonical_tag(name))), None)


def _decode(path: Path) -> tuple[str, str]:
    """Return the text of a catalogue, and the charset of its header, UTF-8 if it names none."""
    data = read_bytes(path).removeprefix(codecs.BOM_UTF8)
    refuse_compressed(path, data[:8])
    match = re.search(rb"charset=\s*([\w.:-]+)", data[:8192])
    charset = match[1].decode("ascii", "replace") if match and match[1] != b"CHARSET" else "utf-8"
    try:
        if codecs.lookup(charset).name in _NO_CHARSETS or b"".decode(charset):
            raise LookupError(charset)
        text = data.decode(charset)
    except LookupError:
        raise TokbenchError(f"{path}: its charset {charset!r} is unknown", "save the file as UTF-8") from None
    except (UnicodeError, ValueError) as error:
        raise TokbenchError(
            f"{path}: it is not in the charset of its header, {charset}", "correct the header"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n"), charset


def _parse(path: Path, text: str, charset: str) -> list[_Message]:
    """Return the messages in order, without obsolete ones."""
    messages: list[_Message] = []
    word = ""
    fuzzy = False
    for number, line in enumerate(map(str.strip, text.split("\n")), start=1):
        if line.startswith("#"):
            if line.startswith("#,"):
                fuzzy = fuzzy or "fuzzy" in line
            elif line.startswith("#~"):  # the flags before it are those of an obsolete message
                fuzzy = False
        elif line.startswith('"') and word:
            messages[-1].strings[word] += _unquote(f"{path}:{number}", line, charset)
        elif match := _KEYWORD.fullmatch(line):
            begins = match["word"] in ("msgctxt", "msgid")
            if begins and not (match["word"] == "msgid" and word == "msgctxt"):
                messages.append(_Message(fuzzy=fuzzy, line=number))
                fuzzy = False
            word = match["word"]
            if not messages or word in messages[-1].strings:
                raise TokbenchError(f"{path}:{number}: {word} is out of place", "fix the line")
            messages[-1].strings[word] = _unquote(f"{path}:{number}", match["string"], charset)
        elif line:
            raise TokbenchError(f"{path}:{number}: not a line of a gettext catalogue: {line[:40]!r}", "fix the line")
    return messages


def _unquote(where: str, string: str, charset: str) -> str:
    """Return what a string stands for; octal and hexadecimal escapes are bytes in the charset of the file."""
    match = _STRING.fullmatch(string)
    if match is None:
        raise TokbenchError(f"{where}: a string does not end, or contains a bare quotation mark", "fix the line")

    def replace(escape: re.Match[str]) -> str:
        if escape[1] is None:
            return _ESCAPES.get(escape[4], escape[4])
        codes = [int(octal, 8) if octal else int(hexadecimal, 16) for octal, hexadecimal in _BYTE.findall(escape[1])]
        try:
            return bytes(codes).decode(charset)
        except ValueError:  # an octal number above 255, too
            raise TokbenchError(f"{where}: {escape[1][:40]} is no text in {charset}", "fix the line") from None

    return _ESCAPE.sub(replace, match[1])
