"""Find, download, verify and cache tokenizer files.

A name is searched for in the user's folders, the installed packages and the caches, and only then downloaded. No
repository code is run and no pickle is loaded: only tokenizer files requested by name are read.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from tokbench._shared.cache import create_file
from tokbench._shared.hashes import sha256_of, sha256_of_all, verify
from tokbench._shared.paths import explain_access, shorten
from tokbench.catalog import hub, locations, rebuilding
from tokbench.catalog.counting_apis import is_counting_model, refuse_counting_model
from tokbench.catalog.entries import CATALOG, Entry, Source, find_by_sha256, find_name, resolve
from tokbench.catalog.formats import inspect
from tokbench.catalog.hub_ids import is_hub_id
from tokbench.catalog.locations import Location
from tokbench.catalog.network import download, find_fault
from tokbench.errors import TokbenchError, UnavailableError

_LOG = logging.getLogger(__name__)


class Unrecorded(NamedTuple):
    """A file with no known hash: its key in the record, path, hash, and commit if it is of the hub."""

    key: str
    path: Path
    sha256: str
    commit: str | None


@dataclass(frozen=True)
class Asset:
    """A tokenizer's files, verified and ready to read, the main one first.

    format: one of `formats.FORMATS`, or "bytes" without files. sha256: of the file, or of the sorted list of several.
    unrecorded: the files whose hashes are to be recorded once they have been read as a tokenizer.
    """

    name: str
    format: str
    files: tuple[Path, ...]
    sha256: str
    origin: str
    entry: Entry | None
    unrecorded: tuple[Unrecorded, ...] = field(default=(), compare=False, repr=False)


@explain_access()
def find(argument: str, *, offline: bool = False) -> Asset:
    """Find or download a tokenizer: name, alias, path, or `[hf:]org/name[@revision]`.

    `org/name` is a path if it exists, else a model that the catalogue knows, else the hub repository `hf:org/name`.
    `PATH#NAME` reads the file by the rules of the catalogue entry NAME, without its sizes, special tokens and licence.
    With `offline`, or with HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE set, no socket is opened. Raises UnavailableError if
    it is known but not available, TokbenchError for an unknown name, a damaged file, or one that is not the known file.
    """
    if argument.startswith("hf:"):
        return _find_on_hub(argument, offline)
    if is_counting_model(argument):
        raise refuse_counting_model(argument)
    if locations.means_path(argument):
        return _find_path(argument)
    if find_name(argument) is None and locations.is_hub_argument(argument):
        try:
            return _find_on_hub(f"hf:{argument}", offline)
        except UnavailableError as error:
            raise UnavailableError(f"no file or folder {shorten(argument)}, and {error.message}", error.hint) from error
    try:
        entry = resolve(argument)
    except TokbenchError:
        for folder in locations.list_folders(argument):
            return _describe(argument, Location((folder,), "folder", None), None)
        if argument and Path(argument).exists():
            return _find_path(argument)
        raise
    return _find_entry(entry, locations.find_location(entry), offline)


@explain_access()
def locate(entry: Entry) -> str | None:
    """Return the origin of an entry's files on this machine, or None; no download."""
    if entry.engine is not None:
        return "built in"
    location = locations.find_location(entry)
    return location.origin if location else rebuilding.describe_origin(entry)


def pull(name: str) -> Asset:
    """Download an entry or hub repository, unless a package or cache has its very files.

    Raises UnavailableError if it cannot be downloaded, and says what is used instead if a package has its vocabulary.
    """
    if name.startswith("hf:") or (find_name(name) is None and locations.is_hub_argument(name)):
        return find(name if name.startswith("hf:") else f"hf:{name}")
    entry = resolve(name)
    if entry.engine is not None:
        return _find_entry(entry, None, offline=False)
    location = locations.find_cached(entry) or rebuilding.rebuild(entry, exact=True)
    try:
        return _describe(entry.name, location or _download(entry, locations.is_offline()), entry)
    except UnavailableError as error:
        if origin := rebuilding.describe_origin(entry):
            raise UnavailableError(f"{error.message}; it is used {origin}", error.hint) from error
        raise


def record(asset: Asset) -> None:
    """Record the hashes of a tokenizer's files, which have been read as one.

    From then on, other content under these names is refused. A login page that a network sends
    instead of a file is never recorded.
    """
    for file in asset.unrecorded:
        verify(file.path, file.sha256, "it has changed since it was found: try again")
        locations.open_record().hold(file.key, file.path, file.commit)


def _find_path(argument: str) -> Asset:
    path, rules = locations.read_path(argument)
    return _describe(locations.name_path(path), Location((path,), "path", None), resolve(rules) if rules else None)


def _find_entry(entry: Entry, location: Location | None, offline: bool) -> Asset:
    if entry.engine is not None:
        facts = f"{entry.name} {entry.algorithm} {entry.vocab_total}"
        return Asset(entry.name, entry.engine, (), hashlib.sha256(facts.encode()).hexdigest(), "built in", entry)
    location = location or rebuilding.rebuild(entry) or _download(entry, offline or locations.is_offline())
    return _describe(entry.name, location, entry)


def _describe(name: str, location: Location, entry: Entry | None) -> Asset:
    unrecorded = _check(location)
    first = location.files[0]
    intact = first.is_file() and find_by_sha256(sha256_of(first)) is not None
    try:
        file_format, present = inspect(first, intact=intact, listed=bool(entry and location.source in entry.sources))
    except TokbenchError:
        if location.origin in {"hub", "url"}:  # just downloaded: found in a cache, it would be read for ever
            _discard(location)
        raise
    named = entry or find_by_sha256(sha256_of(present[0]))
    files = locations.choose_files(location, named, file_format, present)
    hashes = [*map(sha256_of, files)]
    _LOG.info("%s is read from %s (%s)", name, ", ".join(map(str, files)), location.origin)
    known = entry or find_by_sha256(*hashes)
    other = entry and location.origin == "path" and all(s.files[0].sha256 != hashes[0] for s in entry.sources)
    if known and (other or locations.is_extended(known, file_format, files)):
        known = known.without_facts()
    return Asset(name, file_format, files, sha256_of_all(files), location.origin, known, unrecorded)


_REMEDIES = {
    "folder": "replace the file, or give its path to use it as it is",
    "cache": "delete it and try again",
    "hub cache": "delete it from the Hugging Face cache and try again",
    "hub": "the repository has changed: give the path of a copy that you trust",
}


def _check(place: Location) -> tuple[Unrecorded, ...]:
    """Check the files of a location against known hashes, or their first download.

    Return those of which neither is known. Raises TokbenchError for a file that differs.
    """
    unrecorded = []
    for file, path in zip(place.source.files if place.source else (), place.files, strict=False):
        if file.sha256 is not None:
            verify(path, file.sha256, _REMEDIES.get(place.origin, "install the package again"))
        elif place.source is not None and place.origin.startswith("hub"):
            key, commit = locations.hub_key(place.source, file), locations.find_commit(path)
            unrecorded.append(Unrecorded(key, path, sha256_of(path), commit))
        elif place.source is not None and place.origin in {"cache", "url"}:
            unrecorded.append(Unrecorded(locations.url_key(place.source, file), path, sha256_of(path), None))
    record = locations.open_record()
    return tuple(file for file in unrecorded if not record.knows(file.key, file.path))


def _discard(place: Location) -> None:
    """Delete downloaded files, with what the Hugging Face cache links to."""
    for path in place.files:
        linked = path.resolve()
        path.unlink(missing_ok=True)
        if place.origin == "hub" and linked.parent.name == "blobs":
            linked.unlink(missing_ok=True)


# ---- downloads


def _download(entry: Entry, offline: bool) -> Location:
    sources = [source for source in entry.sources if source.hub or source.url]
    reasons, hints = [], []
    if not sources:
        reasons.append("; ".join(source.note for source in entry.sources if source.note) or "it is only in a package")
    elif offline:
        reasons.append("offline")
    for source in () if offline else sources:
        try:
            return _fetch_from_hub(source) if source.hub else _fetch_from_url(source, entry)
        except UnavailableError as error:
            reasons.append(error.message)
            hints += [error.hint] if error.hint else []
    reason = ", ".join(dict.fromkeys(reasons))
    raise UnavailableError(
        f"{entry.name} is not available here: {reason}", "; or ".join([*hints, *locations.list_remedies(entry)])
    )


def _fetch_from_hub(source: Source) -> Location:
    hub.require_network()
    files = []
    for file in source.files:
        revision = source.revision or locations.open_record().commit(locations.hub_key(source, file))
        files.append(hub.fetch_file(source, file, revision))
    return Location(tuple(files), "hub", source)


def _fetch_from_url(source: Source, entry: Entry) -> Location:
    files = []
    for file in source.files:
        address = locations.url_key(source, file)
        if fault := find_fault(address):
            raise UnavailableError(fault)
        part, target = create_file(locations.url_cache_path(entry, file))
        try:
            with part.open("wb") as stream:
                download(address, stream, file.bytes)
            if file.sha256 is not None:
                verify(part, file.sha256, "the remote file has changed: report it, and do not use it", name=address)
            else:
                locations.open_record().knows(address, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        files.append(target)
    return Location(tuple(files), "url", source)


# ---- repositories of the hub


def _find_on_hub(argument: str, offline: bool) -> Asset:
    repository, at, revision = (name := argument.removeprefix("hf:")).partition("@")
    if not is_hub_id(repository, revision if at else None):
        raise TokbenchError(f"{shorten(argument)!r} is not of the form hf:org/name[@revision]")
    source = Source((), hub=repository, revision=revision or None)
    location = locations.find_repository(source)
    if location is None:
        if offline or locations.is_offline():
            remedy = f"run `tokbench pull {argument}` with a network connection"
            raise UnavailableError(f"{argument} is not in the Hugging Face cache: offline", remedy)
        location = _fetch_from_hub(_list_on_hub(source))
    asset = _describe(name, location, None)
    same = (entry for entry in CATALOG.values() for known in entry.sources if known.hub == source.hub)
    return asset if asset.entry or source.revision else replace(asset, entry=next(same, None))


def _list_on_hub(source: Source) -> Source:
    try:
        hub.require_network()
    except UnavailableError as error:
        raise UnavailableError(f"hf:{source.hub} is not in the Hugging Face cache: {error.message}") from error
    picked = locations.pick_files(source, hub.list_files(source))
    if picked is None:
        expected = ", ".join("+".join(names) for names in locations.PICKS)
        raise TokbenchError(f"{source.hub} on the hub has no supported tokenizer file", f"supported: {expected}")
    return picked
