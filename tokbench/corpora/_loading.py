"""Load a corpus from a corpus argument: which file, which reader, which options."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

from tokbench._shared.notes import note_hidden
from tokbench._shared.pipes import STDIN, keep_pipe, keep_stdin, refuse_special
from tokbench._shared.registry import closest
from tokbench.corpora._column_choice import is_column_option
from tokbench.corpora._content import (
    HEAD_BYTES,
    HEAD_LINES,
    explain_unread,
    is_text,
    recognize_content,
    recognize_head,
    spell_corpus,
)
from tokbench.corpora._corpus import Corpus
from tokbench.corpora._corpus_spec import refuse_stream, split_spec
from tokbench.corpora._in_memory import TextsByLanguage
from tokbench.corpora._parallel import ParallelCorpus, build_corpus
from tokbench.corpora._public import (
    PublicCorpus,
    explain_missing,
    find_in_parents,
    locate_public,
    public_names,
    resolve_public,
)
from tokbench.corpora._reader_api import LanguageText, RawCorpus
from tokbench.corpora._readers import PLAIN, READERS
from tokbench.corpora._storage import exists, is_dir, is_file, list_folder, only_file, stem_of
from tokbench.corpora._text_groups import join_corpora
from tokbench.corpora._utf8 import read_head
from tokbench.errors import TokbenchError

_LOG = logging.getLogger(__name__)

GROUPED = frozenset({"text", "folder"})
"""Readers of what no other reader claims."""

DEFAULT_CORPUS = "tokbench14"


def load_corpus(
    spec: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    segments: int | None = None,
    split: str | None = None,
) -> Corpus:
    """Read a corpus: by default tokbench's own, which is parallel, or the one in `spec`.

    spec: the name of a bundled corpus (`tokbench14`) or of a public one that is here (`flores200/dev`), a path, `-`
    (standard input), or `PATH:key=value,...`; a `Path` is never parsed. A name comes before a path: `./code` is a
    folder called like a corpus. The option `format` names the reader; by default it is recognised from the path and the
    content. Tables accept `LANG=COLUMN`, `document=COLUMN` and `header=yes|no` (`cmn.txt:en=1,zh=2`), folders
    `LANG=FILE`, text that is not parallel `label=NAME` and `split=lines|documents|none`.
    languages: read in this order; if each language is a file, no others are opened.
    segments: keep this many of the first segments that have a text in every language, or of the first of each group.
    split: what a segment of plain text is: lines, documents or none; the same as the option `split` of `spec`.
    Raises TokbenchError if the corpus is missing, not aligned, not UTF-8 or empty.

    >>> load_corpus("tokbench14", languages=["en", "zh"], segments=100).n
    100
    """
    raw, reader, source = read_raw(spec, languages, split)
    corpus = build_corpus(raw, reader, source)
    return corpus if segments is None else corpus.select(segments=segments)


def read_raw(
    spec: str | Path | None = None, languages: Sequence[str] | None = None, split: str | None = None
) -> tuple[RawCorpus, str, str]:
    """Read a corpus as its reader returns it; return the names of the reader and of the source with it.

    See `load_corpus`.
    """
    try:
        refuse_stream(spec)
        named, options, public = _locate(DEFAULT_CORPUS if spec is None else spec)
        path = _enter_archive(keep_stdin() if str(named) == STDIN else keep_pipe(named))
        options.pop("stream", None)
        said = options.pop("format", None)
        name = said or find_reader(path, options)
    except OSError as error:
        raise TokbenchError(
            f"cannot access the corpus {str(spec)[:80]!r}: {error.strerror}", "check the path"
        ) from error
    piped = not path.is_relative_to(named)
    _LOG.info("the corpus %s is read as %s", named, name)
    raw = READERS[name].read(path, options if split is None else {**options, "split": split}, languages)
    if said is None and name in PLAIN:
        as_lines = spell_corpus(path, {**options, "format": name})
        for column in raw.columns:
            _refuse_other_content(column, as_lines)
    if public is not None:
        raw = replace(raw, licence=public.licence, source=public.url)
    return (_restore_origins(raw, path, named) if piped else raw), name, str(named)


CorpusArgument: TypeAlias = Corpus | TextsByLanguage | str | Path | Sequence[Corpus | str | Path] | None
"""What names or holds a corpus, or several as groups side by side."""


def open_corpus(corpus: CorpusArgument) -> Corpus:
    """Return a corpus from whatever names or holds one: see `load_corpus` and `ParallelCorpus.from_texts`.

    Several in a list become groups side by side: see `join_corpora`.
    """
    if isinstance(corpus, Corpus):
        return corpus
    if corpus is None or isinstance(corpus, str | Path):
        return load_corpus(corpus)
    if isinstance(corpus, list | tuple) and corpus and all(isinstance(one, Corpus | str | Path) for one in corpus):
        return join_corpora([open_corpus(one) for one in corpus])
    return ParallelCorpus.from_texts(cast("TextsByLanguage", corpus))


class Location(NamedTuple):
    """Where a corpus is: its path, the options to read it with, and what it is if it is a public one."""

    path: Path
    options: dict[str, str]
    public: PublicCorpus | None = None


def _locate(spec: str | Path) -> Location:
    """Find what a corpus argument names: a corpus by its exact name, then a path, then a corpus spelled otherwise."""
    if isinstance(spec, Path):
        return Location(spec, {})
    if not spec.strip():
        raise TokbenchError("the corpus argument is empty", "give a name or a path, or omit it for the default corpus")
    if named := _find_named(spec):
        return named
    if exists(Path(spec)):
        return Location(Path(spec), {})
    name, options = split_spec(spec)
    if options and (named := _find_named(name)):
        return named._replace(options=options)
    if exists(Path(name)):
        return Location(Path(name), options)
    known = resolve_public(name)
    if known and (found := locate_public(*known)):
        return Location(found, options, known[0])
    if found := find_in_parents(name):
        return Location(found, options)
    if missing := explain_missing(name):
        raise missing
    return Location(Path(name), options)


def _find_named(name: str) -> Location | None:
    """Find a bundled corpus, or a public one that is here, by its exact name.

    Warn if there is a file or folder of this name as well.
    """
    from tokbench.corpora.bundled import bundled_corpora

    path, public = bundled_corpora().get(name), None
    if path is None and name in public_names() and (known := resolve_public(name)):
        path, public = locate_public(*known), known[0]
    if path is None:
        return None
    if Path(name).exists() and not path.samefile(name):
        note_hidden(name, path)
    return Location(path, {}, public)


def _refuse_other_content(column: LanguageText, as_lines: str | None) -> None:
    """Raise TokbenchError if a plain text file contains mark-up, records or a table.

    as_lines: the corpus argument that reads the file line by line regardless.
    """
    path = Path(column.origin)
    if not is_file(path):
        return  # a column of a table or a key of records
    content = recognize_content(column.texts.slice(0, HEAD_LINES).to_list())
    if content is None:
        return
    works = f"give {path}:format={content.reader}" if content.reader else content.remedy.replace("FILE", str(path))
    plain = f"; if each line is one text: {as_lines}" if as_lines else ""
    raise TokbenchError(f"{path} contains {content.name}, not one plain text per line", works + plain)


def _enter_archive(path: Path) -> Path:
    """Return the only file of a zip archive, or the path itself; a copy of a pipe is given a name first."""
    if path.is_file() and path.suffix == "" and read_head(path, 4) == b"PK\x03\x04":
        named = path.with_name(f"{path.name}.zip")
        if not named.exists():
            named.symlink_to(path.name)
        path = named
    return only_file(path) or path


def _restore_origins(raw: RawCorpus, copy: Path, pipe: Path) -> RawCorpus:
    """Name the pipe, not its copy, as the origin of each column."""
    name = "standard input" if str(pipe) == STDIN else str(pipe)
    columns = [replace(column, origin=column.origin.replace(str(copy), name)) for column in raw.columns]
    if str(pipe) != STDIN and not raw.aligned:  # the copy is named after a number
        columns = [replace(column, lang="text" if column.lang == stem_of(copy) else column.lang) for column in columns]
    return replace(raw, columns=columns, name="stdin" if str(pipe) == STDIN else raw.name)


def find_reader(path: Path, options: Mapping[str, str]) -> str:
    """Return the name of the one reader that claims `path`, else of the one that its content needs.

    A folder whose files the options name by language is read by `lines`. Raises TokbenchError with what works if there
    is none.
    """
    if is_dir(path) and any(is_column_option(key) for key in options) and not is_file(path / "manifest.toml"):
        return "lines"
    claiming = [name for name, reader in READERS.items() if reader.claims(path)]
    if claiming == ["text"] and any(is_column_option(key) for key in options):
        return "tsv"  # of one column
    # Any file of text, and any folder, can be read as groups: what another reader claims is not.
    claiming = [name for name in claiming if name not in GROUPED] or claiming
    if len(claiming) == 1:
        return claiming[0]
    if claiming:
        raise TokbenchError(
            f"{path} can be read as {' or '.join(claiming)}",
            f"say which: {spell_corpus(path, {'format': claiming[0], **options})}",
        )
    if is_file(path):
        head = read_head(path, HEAD_BYTES)
        content = recognize_head(head) if is_text(head) else None
        if content and content.reader:
            return content.reader
        raise explain_unread(path, head)
    if path.exists():
        refuse_special(path)
        raise TokbenchError(f"{path} is not a regular file", "copy its content into a file")
    raise _explain_absence(path)


def _explain_absence(path: Path) -> TokbenchError:
    """Build the error for a missing path: compressed files, or the closest name."""
    from tokbench.corpora.bundled import bundled_corpora

    bundled = list(bundled_corpora())
    beside = list_folder(path.parent) if is_dir(path.parent) else []
    known = [*bundled, *public_names()]
    near = closest(str(path), known) or closest(path.name, [other.name for other in beside])
    if near is None:
        hint = f"give a path, or a corpus of: {', '.join(known)}"
    else:
        hint = f"did you mean {near if near in known else str(path.parent / near)!r}?"
    return TokbenchError(f"there is no corpus {str(path)!r}", hint)
