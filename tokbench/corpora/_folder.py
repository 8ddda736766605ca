"""Decide which files of a folder are which language, or say what to type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tokbench.corpora._content import refuse_compressed, spell_corpus, unpacking_command
from tokbench.corpora._file_names import TEXT_EXTENSIONS, drop_copies, is_language_file, language_of, pattern_of
from tokbench.corpora._language_tables import find_tag, group_tables
from tokbench.corpora._languages import parse_tag
from tokbench.corpora._reader_api import LeftOut
from tokbench.corpora._readers import find_table_reader
from tokbench.corpora._storage import exists, is_dir, is_file, list_folder, suffix_of
from tokbench.corpora._utf8 import read_head
from tokbench.errors import TokbenchError

PARTS = frozenset({"dev", "devtest", "test", "train", "valid"})
"""Names of parts of a corpus: a folder with such a name is a part, and its parent is the corpus."""

_PART_WORDS = PARTS | {"validation", "training", "eval", "tune"}
_MOST = 6


class LanguageFiles(NamedTuple):
    """The files of a folder by language, in the order of the tags, and those ignored."""

    folder: Path
    files: dict[str, Path]
    left_out: list[LeftOut]


def find_language_files(path: Path) -> LanguageFiles:
    """Find the language files of a folder, or of its only sub-folder that has any.

    Raises TokbenchError, with the arguments to choose from, if there are several corpora or sub-folders of one language
    each, or if there are no language files.
    """
    files = _scan(path)
    if files.files:
        return files
    tables = group_tables(filter(is_file, list_folder(path)))
    if len(tables) > 1:
        spelled = (spell_corpus(path, {lang: file.name for lang, file in group.items()}) for group in tables.values())
        raise TokbenchError(
            f"{path} contains {len(tables)} corpora: {shorten(tables)}",
            f"give one of them: {shorten(filter(None, spelled), 3, ' or ')}",
        )
    if tables:
        (group,) = tables.values()
        return LanguageFiles(path, dict(sorted(group.items())), files.left_out)
    folders = [p for p in list_folder(path) if is_dir(p) and not p.name.startswith(".")]
    tagged = [p for p in folders if parse_tag(p.name)]
    if len(tagged) > 1:
        raise _ask_for_files(path, tagged)
    inner = [p for p in folders if _has_language_files(p)]
    if not inner:
        raise _explain_no_language(path, folders)
    if len(inner) > 1:
        raise TokbenchError(
            f"{path} contains {len(inner)} corpora: {', '.join(p.name for p in inner)}",
            f"give one of them: {shorten(str(p) for p in inner)}",
        )
    return _scan(inner[0])


def _has_language_files(folder: Path) -> bool:
    return any(is_language_file(file) for file in list_folder(folder))


def _scan(folder: Path) -> LanguageFiles:
    """Find the language files of the folder itself; there may be none."""
    entries = sorted(filter(is_file, list_folder(folder)), key=lambda file: (len(file.name), file.name))
    entries = [f for f in drop_copies(entries) if language_of(f.name) is None or is_language_file(f)]
    unread = []
    for file in entries:
        if language_of(file.name) is None and suffix_of(file)[1:] in TEXT_EXTENSIONS:
            unread.append(LeftOut(file.name, "its name does not end with a known language tag"))
        elif language_of(file.name) is None and language_of(file.stem) is not None:
            unread.append(LeftOut(file.name, f"{file.suffix} is not a plain text extension"))
    chosen = choose_files(folder, entries)
    return chosen._replace(left_out=[*unread, *chosen.left_out])


def choose_files(folder: Path, candidates: Iterable[Path]) -> LanguageFiles:
    """Choose one file per language.

    Raises TokbenchError if several corpora, or two versions, could be meant.
    A single file beside a set of files in several languages is another version of one of them and is ignored.
    """
    by_pattern: dict[str, dict[str, Path]] = {}
    for file in candidates:
        lang = language_of(file.name)
        if lang is not None:
            by_pattern.setdefault(pattern_of(file.name), {})[lang] = file
    files: dict[str, Path] = {}
    left_out = []
    for pattern, group in sorted(by_pattern.items(), key=lambda item: (-len(item[1]), len(item[0]), item[0])):
        clashes = [lang for lang in group if lang in files]
        for lang in clashes:
            owner = by_pattern[pattern_of(files[lang].name)]
            if len(group) > 1 or len(owner) == 1 or _PART_WORDS & set(re.split("[^a-z]+", pattern.lower())):
                raise _ask_for_corpus(folder, lang, by_pattern)
            left_out.append(LeftOut(group[lang].name, f"{files[lang].name} is read for {lang}"))
        files.update((lang, file) for lang, file in group.items() if lang not in files)
    return LanguageFiles(folder, dict(sorted(files.items())), left_out)


def _ask_for_corpus(folder: Path, lang: str, by_pattern: Mapping[str, Mapping[str, Path]]) -> TokbenchError:
    """Build the error for a folder with several corpora: the argument for each."""
    groups = {pattern: group for pattern, group in by_pattern.items() if lang in group}
    names = ", ".join(f"{pattern} ({shorten(group, 4)})" for pattern, group in groups.items())
    arguments = [spelled for pattern in groups if (spelled := _spell_group(folder, pattern, by_pattern))]
    return TokbenchError(
        f"{folder} contains {len(groups)} corpora with {lang}: {names}",
        f"give one of them: {shorten(arguments)}" if arguments else "move each into its own folder",
    )


def _spell_group(folder: Path, pattern: str, by_pattern: Mapping[str, Mapping[str, Path]]) -> str | None:
    """Spell the corpus argument for files of one pattern: file, prefix, or folder."""
    group = by_pattern[pattern]
    if len(group) == 1:
        (only,) = group.values()
        return str(only)
    prefix, star, _ = pattern.partition(".*")
    alone = [other for other in by_pattern if other == f"{prefix}.*" or other.startswith(f"{prefix}.*.")]
    if star and prefix and len(alone) == 1 and not exists(folder / prefix):
        return str(folder / prefix)
    return spell_corpus(folder, {lang: file.name for lang, file in list(group.items())[:_MOST]})


def _ask_for_files(path: Path, folders: Sequence[Path]) -> TokbenchError:
    """Build the error for a folder per language, with an argument that names files."""
    inside = {folder.name: plain_files(folder) for folder in folders}
    shared = [
        pattern for pattern in next(iter(inside.values()), {}) if all(pattern in files for files in inside.values())
    ]
    choices = [{lang: files[pattern] for lang, files in inside.items()} for pattern in shared]
    if not choices and all(len(files) == 1 for files in inside.values()):
        choices = [{lang: next(iter(files.values())) for lang, files in inside.items()}]
    arguments = [
        spelled
        for choice in choices
        if (spelled := spell_corpus(path, {lang: file.relative_to(path) for lang, file in choice.items()}))
    ]
    what = f"{path} has a sub-folder per language: {shorten(folder.name for folder in folders)}"
    if arguments:
        return TokbenchError(what, f"name the files: {shorten(arguments, 3, ' or ')}")
    pairs = ",".join(f"{folder.name}={folder.name}/FILE" for folder in folders[:2])
    return TokbenchError(what, f"name one file in each: {path}:{pairs}")


def plain_files(folder: Path) -> dict[str, Path]:
    """Map the files of a folder by their name, with `*` for a language tag in it."""
    files = (file for file in list_folder(folder) if is_file(file) and not file.name.startswith("."))
    return {_find_pattern(file): file for file in files}


def _find_pattern(file: Path) -> str:
    table = find_tag(file)
    if table is not None:
        return table[0]
    return pattern_of(file.name) if language_of(file.name) else file.name


def _explain_no_language(path: Path, folders: Sequence[Path]) -> TokbenchError:
    """Build the error for a folder without language files: what can be read in it."""
    for folder in folders:
        if sum(is_dir(p) and parse_tag(p.name) is not None for p in list_folder(folder)) > 1:
            return TokbenchError(f"{path} contains no language files itself", f"give the folder {folder}")
    files = [file for file in list_folder(path) if is_file(file) and not file.name.startswith(".")]
    what = f"{path} contains no file whose name ends with a language tag, such as en.txt or eng_Latn.dev"
    readable = [str(file) for file in files if find_table_reader(file)]
    if readable:
        return TokbenchError(what, f"give one of its files: {shorten(readable)}")
    packed = [(file, compression) for file in files if (compression := unpacking_command(read_head(file, 8)))]
    if packed:
        file, (name, command) = packed[0]
        return TokbenchError(f"{what}; {file.name} is compressed ({name})", f"unpack it: {command} {file}")
    texts = [file.name for file in files if suffix_of(file)[1:] in TEXT_EXTENSIONS or not file.suffix]
    if texts:
        spelled = spell_corpus(path, dict(zip(("en", "zh"), texts, strict=False)))
        return TokbenchError(what, f"name its files ({shorten(texts)}) by language, such as {spelled}")
    if folders:
        return TokbenchError(what, f"give one of its folders: {shorten(str(folder) for folder in folders)}")
    return TokbenchError(what, "give a folder with one plain text file per language")


def check_named_file(file: Path) -> None:
    """Raise TokbenchError if a file in LANGUAGE=FILE is a folder or compressed."""
    if is_dir(file):
        inside = [str(inner) for inner in list_folder(file) if is_file(inner)]
        raise TokbenchError(
            f"{file} is a folder, not a file", f"name one of its files: {shorten(inside) or 'it has none'}"
        )
    refuse_compressed(file, read_head(file, 8))


def shorten(names: Iterable[str], most: int = _MOST, between: str = ", ") -> str:
    """List the first names, and how many more there are."""
    listed = list(names)
    more = f"{between}and {len(listed) - most} more" if len(listed) > most else ""
    return between.join(listed[:most]) + more
