"""The Hugging Face hub: list a repository and download its files, within the limits of `network`."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from tokbench.catalog import network
from tokbench.catalog.entries import File, Source
from tokbench.catalog.network import Transfer, find_fault
from tokbench.catalog.waiting import suggest_retry
from tokbench.errors import UnavailableError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

_FOLDER_NAME = re.compile(r"\w[\w.-]{0,127}", re.ASCII)  # of a commit or tag, which become names in the cache
_COUNTED = 10 * 1024 * 1024  # the library counts what it receives in pieces of this size
_MODEL_FILES = 8  # and downloads this many files of a model at a time


def require_network() -> None:
    """Raise UnavailableError if the hub cannot be reached."""
    from huggingface_hub import constants

    if fault := find_fault(constants.ENDPOINT):
        raise UnavailableError(fault)


def list_files(source: Source) -> set[str]:
    """Return the names of a repository's files.

    Raises UnavailableError if the hub does not list them.
    """
    transfer = Transfer(f"the list of files of {source.hub} on the hub", network.LIMITS.listing)
    with explain_errors(source, "listing"):
        content = transfer.run(lambda running: _request_listing(source, running))
    try:
        names = {sibling["rfilename"] for sibling in json.loads(content).get("siblings") or ()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnavailableError(
            f"{source.hub} on the hub could not be listed: the answer is not what the hub sends",
            "if this network has a login page, log in and try again",
        ) from error
    return {name for name in names if isinstance(name, str)}


def _request_listing(source: Source, transfer: Transfer) -> bytes:
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    revision = f"/revision/{quote(source.revision, safe='')}" if source.revision else ""
    address = f"{constants.ENDPOINT}/api/models/{source.hub}{revision}"
    content = bytearray()
    with get_session().stream("GET", address, headers=build_hf_headers(), timeout=network.LIMITS.silence) as response:
        for piece in response.iter_bytes():
            transfer.add(len(piece))
            content += piece
    # Errors are explained from the body, which the library would read without a limit.
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-encoding"}
    whole = type(response)(response.status_code, headers=headers, content=bytes(content), request=response.request)
    hf_raise_for_status(whole)
    return bytes(content)


def fetch_file(source: Source, file: File, revision: str | None) -> Path:
    """Download a file into the Hugging Face cache, unless it is there.

    Raises UnavailableError if it is not available, or too large.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url

    repository, limits = str(source.hub), network.LIMITS
    address = hf_hub_url(repository, file.name, revision=revision)
    transfer = Transfer(f"{file.name} of {repository} on the hub", limits.file if file.bytes is None else file.bytes)
    with explain_errors(source, file.name):
        # A quick request first: the download itself retries for minutes.
        metadata = Transfer(transfer.name, None).run(lambda _: get_hf_file_metadata(address, timeout=limits.silence))
        commit, tag, size = metadata.commit_hash, metadata.etag, metadata.size
        if not (all(_FOLDER_NAME.fullmatch(part or "") for part in (commit, tag)) and size is not None):
            raise UnavailableError(f"{transfer.name} could not be downloaded: the answer is not what the hub sends")
        if urlsplit(metadata.location).scheme not in {"https", urlsplit(constants.ENDPOINT).scheme}:
            raise UnavailableError(f"{transfer.name} could not be downloaded: it redirects to {metadata.location}")
        transfer.check_size(size)
        transfer.ahead = min(size, _COUNTED)
        return Path(
            transfer.run(
                lambda running: hf_hub_download(
                    repository,
                    file.name,
                    revision=revision,
                    etag_timeout=limits.silence,
                    tqdm_class=_make_meter(running),
                )
            )
        )


def fetch_snapshot(repo: str, revision: str | None, patterns: list[str]) -> Path:
    """Download the files of a model that match the patterns, of any size.

    Raises UnavailableError if they are not available, or arrive too slowly.
    """
    from huggingface_hub import snapshot_download

    transfer = Transfer(f"{repo} on the hub", None)
    with explain_errors(Source((), hub=repo, revision=revision), "config.json"):
        return Path(
            transfer.run(
                lambda running: snapshot_download(
                    repo,
                    revision=revision,
                    allow_patterns=patterns,
                    etag_timeout=network.LIMITS.silence,
                    max_workers=_MODEL_FILES,
                    tqdm_class=_make_meter(running, _MODEL_FILES * _COUNTED),
                )
            )
        )


def _make_meter(transfer: Transfer, ahead: int | None = None) -> type[Any]:
    """Return a progress bar of the hub's library that counts what a transfer receives.

    ahead: bytes that may arrive uncounted from when the first bar is made, which is after all files have been listed.
    """
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class Meter(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            transfer.ahead = transfer.ahead if ahead is None else ahead
            super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> bool | None:
            transfer.add(int(n or 0))
            shown: bool | None = super().update(n)
            return shown

    return Meter


@contextmanager
def explain_errors(source: Source, name: str) -> Iterator[None]:
    """Turn errors of the hub's library about a file into an UnavailableError, the only word about them."""
    from huggingface_hub import errors

    where = f"{source.hub} on the hub"
    try:
        with _quiet:
            yield
    except errors.HfHubHTTPError as error:
        raise _explain_status(error, source, name) from error
    except errors.OfflineModeIsEnabled as error:
        raise UnavailableError("offline") from error
    except (OSError, ValueError, errors.HTTPError) as error:  # type: ignore[attr-defined]  # of its HTTP library
        if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, errors.HfHubHTTPError):
            raise _explain_status(error.__cause__, source, name) from error
        raise UnavailableError(f"{where} could not be downloaded: {type(error).__name__}: {error}") from error
    except (TypeError, LookupError, AttributeError, RecursionError) as error:  # the library believes any JSON
        raise UnavailableError(
            f"{where} could not be downloaded: the answer is not what the hub sends",
            "if this network has a login page, log in and try again",
        ) from error


class _Quiet:
    """Keeps the library from logging its attempts while any thread is inside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._level = logging.NOTSET

    def __enter__(self) -> None:
        logger = logging.getLogger("huggingface_hub")
        with self._lock:
            if not self._inside:
                self._level = logger.level
                logger.setLevel(logging.CRITICAL)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                logging.getLogger("huggingface_hub").setLevel(self._level)


_quiet = _Quiet()


def _explain_status(error: HfHubHTTPError, source: Source, name: str) -> UnavailableError:
    """Return the error for an answer that is not the file: no access, not found, or a failure of the hub."""
    from huggingface_hub import errors

    where = f"{source.hub} on the hub"
    status = error.response.status_code
    if isinstance(error, errors.GatedRepoError) or (source.gated and status in {401, 403}):
        page = f"https://huggingface.co/{source.hub}"
        login = f"accept the licence at {page} and run `hf auth login` (or set HF_TOKEN)"
        return UnavailableError(f"{where} is gated", login)
    reasons: dict[type[HfHubHTTPError], str] = {
        errors.RepositoryNotFoundError: "does not exist, or is private (if it is yours, run `hf auth login`)",
        errors.RevisionNotFoundError: f"has no revision {source.revision or 'main'}",
        errors.RemoteEntryNotFoundError: f"has no file {name}",
    }
    reason = reasons.get(type(error), f"answered with status {status}")
    return UnavailableError(f"{where} {reason}", suggest_retry(error.response.headers))
