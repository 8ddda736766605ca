"""A folder of files that are not translations of each other: source code, documentation, prose.

A file's group is the programming language or format that its suffix stands for (`python`, `markdown`), or, with
`group=folder`, the sub-folder that it is in. Prose of a single kind in several sub-folders is grouped by sub-folder.
Other options: `label=NAME` makes one group of all files, `split=lines|documents|none` says what a segment is (by
default a whole file). Hidden files, symbolic links, files that are not UTF-8 text, and installed packages are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tokbench._shared.pipes import find_kind
from tokbench._shared.quantities import write_count
from tokbench.corpora._column_choice import split_options
from tokbench.corpora._content import HEAD_BYTES, is_text
from tokbench.corpora._folder import shorten
from tokbench.corpora._folder_kind import SAVED, holds_parallel
from tokbench.corpora._groups import choose_split, collect_groups, split_text
from tokbench.corpora._reader_api import LeftOut, RawCorpus
from tokbench.corpora._storage import is_dir, is_file, list_folder
from tokbench.corpora._suffixes import PROSE, name_group
from tokbench.corpora._utf8 import read_head, read_text
from tokbench.errors import MissingExtraError, TokbenchError

MOST_FILES = 50_000
"""Most files and folders of a folder; one with more is refused."""

MOST_BYTES = 1 << 30
"""Most bytes of text that are read from a folder."""

_INSTALLED = frozenset({"__pycache__", "node_modules", "site-packages"})
_OF_THE_SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev")))


def claims(path: Path) -> bool:
    """Claim a folder that holds no parallel corpus, no manifest and no dataset of Hugging Face."""
    if not is_dir(path) or any(is_file(path / name) for name in ("manifest.toml", *SAVED)):
        return False
    return not holds_parallel(path)


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read every text of the folder into its group.

    Raises TokbenchError for a folder that holds too much, or no text.
    """
    settings, given = split_options(options, ("label", "split", "group"))
    if given:
        raise TokbenchError(
            f"{path} is read as groups, but {', '.join(given)} is given", f"give {path}:format=lines,..."
        )
    split, group = choose_split(settings, "none"), settings.get("group")
    if group not in (None, "suffix", "folder"):
        raise TokbenchError(f"group={group} is neither suffix nor folder", "write group=suffix or group=folder")
    if any(path.resolve().is_relative_to(folder) for folder in _OF_THE_SYSTEM):
        raise TokbenchError(f"{path} holds no texts, but what the system says of itself", "give another folder")
    skipped: dict[str, list[str]] = {}
    files = list(_walk(path, path, skipped))
    labels = {file: _label(path, file, settings.get("label"), group) for file in files}
    if group is None and "label" not in settings and len(kinds := set(labels.values())) == 1 and kinds <= PROSE:
        inside = {file: _label(path, file, None, "folder") for file in files}
        labels = inside if len(set(inside.values())) > 1 else labels
    texts = _read_texts(path, labels, skipped)
    if not any(texts.values()):
        raise TokbenchError(f"{path} contains no text", "give a folder with files of text")
    groups: dict[str, tuple[list[str | None], str, int | None]] = {}
    documents: dict[str, list[str]] = {}
    for label, found in sorted(texts.items()):
        segments = [(name, segment) for name, text in found for segment in split_text(text, split)]
        groups[label] = [segment for _, segment in segments], f"{path}, {write_count(len(found), 'file')}", None
        documents[label] = [name for name, _ in segments]
    left_out = [LeftOut(shorten(names, 4), why) for why, names in sorted(skipped.items())]
    return collect_groups(path, path.resolve().name, groups, languages, left_out, documents)


def _label(folder: Path, file: Path, label: str | None, group: str | None) -> str:
    if label is not None:
        return label
    if group == "folder":
        first, *rest = file.relative_to(folder).parts
        return first if rest else folder.resolve().name
    return name_group(file)


def _walk(root: Path, folder: Path, skipped: dict[str, list[str]]) -> Iterator[Path]:
    """Yield the files of a folder and of those in it, in the order of their names."""
    seen, device = 0, root.stat().st_dev if root.exists() else None  # None: in an archive
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        try:
            entries = list_folder(inside)
        except TokbenchError:
            if inside == folder:
                raise
            skipped.setdefault("damaged or not readable", []).append(inside.relative_to(root).as_posix())
            continue
        inner = []
        for entry in entries:
            seen += 1
            if seen > MOST_FILES:
                raise TokbenchError(f"{root} holds more than {MOST_FILES:,} files", "give one of its folders")
            why = _unread(entry, device)
            if why is not None:
                skipped.setdefault(why, []).append(entry.relative_to(root).as_posix())
            elif is_dir(entry):
                inner.append(entry)
            else:
                yield entry
        waiting += reversed(inner)


def _unread(entry: Path, device: int | None) -> str | None:
    """Return why an entry is not read by its kind and name; None if it may be.

    device: the file system of the folder; others, such as that of the processes, are left out.
    """
    if entry.name.startswith("."):
        return "hidden"
    if entry.name in _INSTALLED:
        return "installed or generated"
    if entry.is_symlink():
        return "a symbolic link"
    if entry.is_dir() and entry.stat().st_dev != device:
        return "another file system"
    if find_kind(entry) is not None:
        return "not a regular file"
    if os.access(entry, os.X_OK) and is_file(entry / "pyvenv.cfg"):
        return "installed or generated"
    return "an archive" if entry.is_file() and is_dir(entry) else None


def _read_texts(
    root: Path, labels: Mapping[Path, str], skipped: dict[str, list[str]]
) -> dict[str, list[tuple[str, str]]]:
    """Read the files of each group as (name, text)."""
    texts: dict[str, list[tuple[str, str]]] = {}
    size = 0
    for file, label in labels.items():
        name = file.relative_to(root).as_posix()
        text, why = _read_text(file)
        if why is not None:
            skipped.setdefault(why, []).append(name)
            continue
        size += len(text)
        if size > MOST_BYTES:
            raise TokbenchError(f"{root} holds more than {MOST_BYTES >> 30} GiB of text", "give one of its folders")
        texts.setdefault(label, []).append((name, text))
    return texts


def _read_text(file: Path) -> tuple[str, str | None]:
    """Return the text of a file, and why it is left out if it is."""
    try:
        if not is_text(read_head(file, HEAD_BYTES)):
            return "", "not UTF-8 text"
        if file.is_file() and file.stat().st_size > MOST_BYTES:
            return "", "too large"
        text = read_text(file).text
    except MissingExtraError as error:
        return "", f"compressed ({error.hint})"
    except TokbenchError as error:
        return "", "not UTF-8 text" if "not UTF-8" in error.message else "damaged or not readable"
    return text, None if text.strip() else "empty"
