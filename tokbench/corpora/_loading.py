"""Load a corpus from a corpus argument: which file, which reader, which options."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tokbench._shared.pipes import keep_pipe, refuse_special
from tokbench._shared.registry import closest
from tokbench.corpora._content import (
    HEAD_BYTES,
    HEAD_LINES,
    explain_unread,
    recognize_content,
    refuse_compressed,
    refuse_wide_characters,
    spell_corpus,
    unpacking_command,
)
from tokbench.corpora._in_memory import TextsByLanguage
from tokbench.corpora._parallel import ParallelCorpus, build_corpus
from tokbench.corpora._reader_api import LanguageText, RawCorpus
from tokbench.corpora._readers import PLAIN, READERS
from tokbench.corpora._utf8 import list_folder, read_head
from tokbench.errors import TokbenchError

_LOG = logging.getLogger(__name__)

DEFAULT_CORPUS = "tokbench14"


def load_corpus(
    spec: str | Path | None = None, *, languages: Sequence[str] | None = None, segments: int | None = None
) -> ParallelCorpus:
    """Read a parallel corpus: by default tokbench's own, or the one in `spec`.

    spec: the name of a bundled corpus (`tokbench14`), a path, or `PATH:key=value,...`; a `Path` is never parsed. The
    option `format` names the reader; by default it is recognised from the path. Tables accept `LANG=COLUMN`,
    `document=COLUMN` and `header=yes|no` (`cmn.txt:en=1,zh=2`), folders `LANG=FILE`.
    languages: read in this order; if each language is a file, no others are opened.
    segments: keep this many of the first segments that have a text in every language.
    Raises TokbenchError if the corpus is missing, not aligned, not UTF-8 or empty.

    >>> load_corpus("tokbench14", languages=["en", "zh"], segments=100).n
    100
    """
    try:
        named, options = _locate(DEFAULT_CORPUS if spec is None else spec)
        path = keep_pipe(named)
        said = options.pop("format", None) or (find_piped_reader(path, named, options) if path != named else None)
        name = said or find_reader(path, options)
    except OSError as error:
        raise TokbenchError(
            f"cannot access the corpus {str(spec)[:80]!r}: {error.strerror}", "check the path"
        ) from error
    _LOG.info("the corpus %s is read as %s", named, name)
    raw = READERS[name].read(path, options, languages)
    if said is None and name in PLAIN:
        as_lines = spell_corpus(path, {**options, "format": name})
        for column in raw.columns:
            _refuse_other_content(column, as_lines)
    corpus = build_corpus(raw if path == named else _restore_origins(raw, path, named), name, str(named))
    return corpus if segments is None else corpus.select(segments=segments)


def open_corpus(corpus: ParallelCorpus | TextsByLanguage | str | Path | None) -> ParallelCorpus:
    """Return a corpus from whatever names or holds one: see `load_corpus` and `ParallelCorpus.from_texts`."""
    if isinstance(corpus, ParallelCorpus):
        return corpus
    if corpus is None or isinstance(corpus, str | Path):
        return load_corpus(corpus)
    return ParallelCorpus.from_texts(corpus)


def _locate(spec: str | Path) -> tuple[Path, dict[str, str]]:
    """Return the path and the options of a corpus argument."""
    from tokbench.corpora.bundled import bundled_corpora

    if isinstance(spec, Path):
        return spec, {}
    if not spec.strip():
        raise TokbenchError("the corpus argument is empty", "give a name or a path, or omit it for the default corpus")
    bundled = bundled_corpora()
    if spec in bundled:
        return bundled[spec], {}
    if Path(spec).exists():
        return Path(spec), {}
    name, options = split_spec(spec)
    return bundled.get(name, Path(name)), options


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Split a corpus argument into (path, options).

    Options follow the last colon if there is an = after it.
    """
    path, colon, tail = spec.rpartition(":")
    drive = len(path) == 1 and tail.startswith(("\\", "/"))
    if not colon or "=" not in tail or drive:
        return spec, {}
    options: dict[str, str] = {}
    for pair in tail.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise TokbenchError(f"{pair!r} in the corpus {spec!r} is not key=value", "write PATH:key=value,key=value")
        if key in options:
            raise TokbenchError(f"the corpus {spec!r} gives {key} twice", "give each option once")
        options[key] = value
    return path, options


def _refuse_other_content(column: LanguageText, as_lines: str | None) -> None:
    """Raise TokbenchError if a plain text file contains mark-up, records or a table.

    as_lines: the corpus argument that reads the file line by line regardless.
    """
    path = Path(column.origin)
    if not path.is_file():
        return  # a column of a table or a key of records
    content = recognize_content(column.texts.slice(0, HEAD_LINES).to_list())
    if content is None:
        return
    works = f"give {path}:format={content.reader}" if content.reader else content.remedy.replace("FILE", str(path))
    plain = f"; if each line is one text: {as_lines}" if as_lines else ""
    raise TokbenchError(f"{path} contains {content.name}, not one plain text per line", works + plain)


def find_piped_reader(path: Path, pipe: Path, options: Mapping[str, str]) -> str:
    """Return the reader for the content of a pipe, whose name says nothing.

    Raises TokbenchError with what works if it is plain text in no named language.
    """
    head = read_head(path, HEAD_BYTES)
    refuse_compressed(pipe, head)
    refuse_wide_characters(pipe, head)
    content = recognize_content(head.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")[:HEAD_LINES])
    if content is not None and content.reader is not None:
        return content.reader
    if content is not None:
        remedy = content.remedy.replace("FILE", str(pipe))
        raise TokbenchError(f"{pipe} is in no supported format: it contains {content.name}", remedy)
    if options:
        return "tsv"  # of one column
    raise TokbenchError(
        f"{pipe} is a pipe, whose name does not tell the language of the text",
        f"give the language, for English: {pipe}:en=1,header=no",
    )


def _restore_origins(raw: RawCorpus, copy: Path, pipe: Path) -> RawCorpus:
    """Name the pipe, not its copy, as the origin of each column."""
    columns = [replace(column, origin=column.origin.replace(str(copy), str(pipe))) for column in raw.columns]
    return replace(raw, columns=columns)


def find_reader(path: Path, options: Mapping[str, str]) -> str:
    """Return the name of the one reader that claims `path`.

    Raises TokbenchError with what works if there is none.
    """
    claiming = [name for name, reader in READERS.items() if reader.claims(path)]
    if len(claiming) == 1:
        return claiming[0]
    if claiming:
        raise TokbenchError(
            f"{path} can be read as {' or '.join(claiming)}",
            f"say which: {spell_corpus(path, {'format': claiming[0], **options})}",
        )
    if path.is_file():
        raise explain_unread(path, read_head(path, HEAD_BYTES), options, list(READERS))
    if path.exists():
        refuse_special(path)
        raise TokbenchError(f"{path} is not a regular file", "copy its content into a file")
    raise _explain_absence(path)


def _explain_absence(path: Path) -> TokbenchError:
    """Build the error for a missing path: compressed files, or the closest name."""
    from tokbench.corpora.bundled import bundled_corpora

    bundled = list(bundled_corpora())
    beside = list_folder(path.parent) if path.parent.is_dir() else []
    for file in beside:
        if file.name.startswith(f"{path.name}.") and file.is_file():
            packed = unpacking_command(read_head(file, 8))
            if packed:
                return TokbenchError(
                    f"{file} is compressed ({packed[0]})", f"unpack the files of {path} first: {packed[1]} {file}"
                )
    near = closest(path.name, bundled + [other.name for other in beside])
    if near is None:
        hint = f"give a path, or a bundled corpus: {', '.join(bundled) or 'none is installed'}"
    else:
        hint = f"did you mean {near if near in bundled else str(path.parent / near)!r}?"
    return TokbenchError(f"there is no corpus {str(path)!r}", hint)
