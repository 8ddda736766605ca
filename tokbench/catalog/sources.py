"""Find, download, verify and cache tokenizer files; only this uses the network.

A name is searched for in the user's folders, the installed packages and the caches, and only then downloaded. No
repository code is run and no pickle is loaded: only tokenizer files requested by name are read.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from tokbench._shared.cache import create_file
from tokbench._shared.hashes import sha256_of, sha256_of_all, verify
from tokbench._shared.hub_ids import is_hub_id
from tokbench._shared.paths import explain_access, shorten
from tokbench.catalog import locations
from tokbench.catalog.entries import CATALOG, Entry, Source, find_by_sha256, resolve
from tokbench.catalog.formats import inspect
from tokbench.catalog.locations import Location
from tokbench.errors import TokbenchError, UnavailableError

_TIMEOUT, _PROBE_SECONDS = 10.0, 4.0  # per answer from a reachable host; in total, to find out whether it is
_USER_AGENT = {"User-Agent": "tokbench"}


@dataclass(frozen=True)
class Asset:
    """A tokenizer's files, verified and ready to read, the main one first.

    format: one of `formats.FORMATS`, or "bytes" without files. sha256: of the file, or of the sorted list of several.
    """

    name: str
    format: str
    files: tuple[Path, ...]
    sha256: str
    origin: str
    entry: Entry | None


@explain_access()
def find(argument: str, *, offline: bool = False) -> Asset:
    """Find or download a tokenizer: name, alias, path, or `hf:org/name[@revision]`.

    `org/name` is a path, unless it does not exist and the catalogue knows a hub model with this id.
    `PATH#NAME` reads the file by the rules of the catalogue entry NAME, without its sizes, special tokens and licence.
    With `offline`, or with HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE set, no socket is opened. Raises UnavailableError if
    it is known but not available, TokbenchError for an unknown name, a damaged file, or one that is not the known file.
    """
    if argument.startswith("hf:"):
        return _find_on_hub(argument, offline)
    if locations.means_path(argument):
        return _find_path(argument)
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
    return location.origin if location else None


def pull(name: str) -> Asset:
    """Download an entry or `hf:` repository, unless a package or cache has it."""
    if name.startswith("hf:"):
        return find(name)
    entry = resolve(name)
    return _find_entry(entry, locations.find_cached(entry), offline=False)


def _find_path(argument: str) -> Asset:
    path, rules = locations.read_path(argument)
    return _describe(locations.name_path(path), Location((path,), "path", None), resolve(rules) if rules else None)


def _find_entry(entry: Entry, location: Location | None, offline: bool) -> Asset:
    if entry.engine is not None:
        facts = f"{entry.name} {entry.algorithm} {entry.vocab_total}"
        return Asset(entry.name, entry.engine, (), hashlib.sha256(facts.encode()).hexdigest(), "built in", entry)
    return _describe(entry.name, location or _download(entry, offline or locations.is_offline()), entry)


def _describe(name: str, location: Location, entry: Entry | None) -> Asset:
    locations.check(location)
    first = location.files[0]
    intact = first.is_file() and find_by_sha256(sha256_of(first)) is not None
    file_format, present = inspect(first, intact=intact, listed=bool(entry and location.source in entry.sources))
    named = entry or find_by_sha256(sha256_of(present[0]))
    files = locations.choose_files(location, named, file_format, present)
    hashes = [*map(sha256_of, files)]
    known = entry or find_by_sha256(*hashes)
    other = entry and location.origin == "path" and all(s.files[0].sha256 != hashes[0] for s in entry.sources)
    if known and (other or locations.is_extended(known, file_format, files)):
        known = known.without_facts()
    return Asset(name, file_format, files, sha256_of_all(files), location.origin, known)


# ---- the network


class _Probe(threading.Thread):
    """One request to a host; on a thread, as a silent name server has no timeout."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.fault: str | None = f"no answer within {_PROBE_SECONDS:.0f} s"
        self.start()

    def run(self) -> None:
        """Send the request; any answer will do, even an error: the download says more."""
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import HTTPRedirectHandler, Request, build_opener

        class NoRedirect(HTTPRedirectHandler):  # one host is contacted, and no other
            def redirect_request(self, *_: object) -> None:
                return None

        request = Request(self.address, method="HEAD", headers=_USER_AGENT)  # noqa: S310 - the catalogue has http(s) only
        try:
            build_opener(NoRedirect).open(request, timeout=_PROBE_SECONDS).close()
        except (OSError, HTTPException) as error:
            answered = isinstance(error, HTTPError) or "CERTIFICATE" in str(error)
            self.fault = None if answered else str(getattr(error, "reason", error))
        else:
            self.fault = None


class _Network:
    """What is known of the network: one request per host, bounded time in all."""

    def __init__(self) -> None:
        self.probes: dict[str, _Probe] = {}
        self.waited = 0.0

    def find_fault(self, address: str) -> str | None:
        """Return why a host cannot be reached, or None."""
        parts = urlsplit(address)
        if parts.netloc not in self.probes:
            self.probes[parts.netloc] = _Probe(f"{parts.scheme}://{parts.netloc}/")
        begun = time.monotonic()
        probe = self.probes[parts.netloc]
        probe.join(max(0.1, _PROBE_SECONDS - self.waited))
        if probe.fault is None:
            return None
        self.waited += time.monotonic() - begun
        return f"no network ({parts.netloc}: {probe.fault})"


_network = _Network()


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
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url

    if fault := _network.find_fault(constants.ENDPOINT):
        raise UnavailableError(fault)
    files = []
    for file in source.files:
        revision = source.revision or locations.open_record().commit(locations.hub_key(source, file))
        with _explain_hub_errors(source, file.name):
            # A quick request first: the download itself retries for minutes.
            get_hf_file_metadata(hf_hub_url(str(source.hub), file.name, revision=revision), timeout=_TIMEOUT)
            path = hf_hub_download(str(source.hub), file.name, revision=revision, etag_timeout=_TIMEOUT)
        files.append(Path(path))
    return Location(tuple(files), "hub", source)


@contextmanager
def _explain_hub_errors(source: Source, name: str) -> Iterator[None]:
    from huggingface_hub import errors

    where = f"{source.hub} on the hub"
    try:
        yield
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if isinstance(error, errors.GatedRepoError) or (source.gated and status in {401, 403}):
            page = f"https://huggingface.co/{source.hub}"
            login = f"accept the licence at {page} and run `hf auth login` (or set HF_TOKEN)"
            raise UnavailableError(f"{where} is gated", login) from error
        reasons: dict[type[errors.HfHubHTTPError], str] = {
            errors.RepositoryNotFoundError: "does not exist, or is private (if it is yours, run `hf auth login`)",
            errors.RevisionNotFoundError: f"has no revision {source.revision or 'main'}",
            errors.RemoteEntryNotFoundError: f"has no file {name}",
        }
        raise UnavailableError(f"{where} {reasons.get(type(error), f'answered with status {status}')}") from error
    except errors.OfflineModeIsEnabled as error:
        raise UnavailableError("offline") from error
    except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined]  # the base class of its HTTP library
        raise UnavailableError(f"{where} could not be downloaded: {type(error).__name__}: {error}") from error


def _fetch_from_url(source: Source, entry: Entry) -> Location:
    files = []
    for file in source.files:
        address = locations.url_key(source, file)
        if fault := _network.find_fault(address):
            raise UnavailableError(fault)
        part, target = create_file(locations.url_cache_path(entry, file))
        try:
            with part.open("wb") as stream:
                _copy(address, stream)
            if file.sha256 is not None:
                verify(part, file.sha256, "the remote file has changed: report it, and do not use it", name=address)
            else:
                locations.open_record().hold(address, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        files.append(target)
    return Location(tuple(files), "url", source)


def _copy(address: str, stream: IO[bytes]) -> None:
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    request = Request(address, headers=_USER_AGENT)  # noqa: S310 - the catalogue has http(s) only
    try:
        with urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            shutil.copyfileobj(answer, stream)
            expected = answer.headers.get("Content-Length")
    except (OSError, HTTPException) as error:
        raise UnavailableError(f"{address} could not be downloaded: {error}") from error
    if expected is not None and stream.tell() != int(expected):
        raise UnavailableError(f"{address} was cut off after {stream.tell()} of {expected} bytes")


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
    from huggingface_hub import HfApi, constants

    if fault := _network.find_fault(constants.ENDPOINT):
        raise UnavailableError(f"hf:{source.hub} is not in the Hugging Face cache: {fault}")
    with _explain_hub_errors(source, "listing"):
        info = HfApi().model_info(str(source.hub), revision=source.revision, timeout=_TIMEOUT)
    picked = locations.pick_files(source, {sibling.rfilename for sibling in info.siblings or ()})
    if picked is None:
        expected = ", ".join("+".join(names) for names in locations.PICKS)
        raise TokbenchError(f"{source.hub} on the hub has no supported tokenizer file", f"supported: {expected}")
    return picked
