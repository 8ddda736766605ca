"""Groups of the files of a stream, named as the readers of files and folders name theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from tokbench.corpora._storage import stem_of
from tokbench.corpora._stream_sources import Source, SourceFile
from tokbench.corpora._suffixes import PROSE, name_content, name_group
from tokbench.errors import TokbenchError

GROUPINGS = ("suffix", "folder", "file")


def name_groups(source: Source, reader: str, settings: Mapping[str, str]) -> list[str]:
    """Return the label of each file.

    `label=` names all, `group=` says what does; by default the suffix of code, else the sub-folder if there are
    several, else the source. A single file is labelled as its reader does.
    """
    label, group = settings.get("label"), settings.get("group")
    if group not in (None, *GROUPINGS):
        raise TokbenchError(f"group={group} is none of {', '.join(GROUPINGS)}", "write group=folder")
    if label is not None:
        return [label] * len(source.files)
    if source.single:
        return [_name_single(source.files[0], reader)]
    if group is not None:
        return [_name(file, source, group) for file in source.files]
    kinds = [name_group(Path(file.name)) if reader == "text" else source.name for file in source.files]
    if len(set(kinds)) > 1 or (reader == "text" and not PROSE.issuperset(kinds)):
        return kinds
    folders = [_name(file, source, "folder") for file in source.files]
    return folders if len(set(folders)) > 1 else kinds


def _name_single(file: SourceFile, reader: str) -> str:
    path = Path(file.name)
    kind = name_content(path) if reader == "text" else None
    return kind if kind and kind not in PROSE else stem_of(path)


def _name(file: SourceFile, source: Source, group: str) -> str:
    if group == "suffix":
        return name_group(Path(file.name))
    if group == "file":
        return stem_of(Path(file.name))
    first, *rest = PurePosixPath(file.name).parts
    return first if rest else source.name


def keep_groups(labels: Sequence[str], wanted: Sequence[str] | None, name: str) -> set[str]:
    """Return the labels to read; TokbenchError for one that there is not."""
    from tokbench.corpora._language_choice import choose_languages

    return set(choose_languages(list(dict.fromkeys(labels)), wanted, name, kind="group"))
