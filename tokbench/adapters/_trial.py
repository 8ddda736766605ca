"""Trials of unknown tokenizer files, in a process that can be ended.

A file that the catalogue does not know by hash may make its engine abort, loop or take all memory, and nothing in this
process could stop it. It is therefore first loaded in a process with limits on time and memory, where it encodes the
common part of the hard texts. A passed trial is cached by the hash of the files and the versions of the libraries.
"""

from __future__ import annotations

import atexit
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import IO

from tokbench._shared.cache import cache_path, read_json, write_json
from tokbench._shared.child import describe_end, environment_of_child
from tokbench._shared.environment import LIBRARIES, installed
from tokbench._shared.hashes import sha256_of
from tokbench.catalog.entries import CATALOG
from tokbench.catalog.sources import Asset
from tokbench.errors import EngineError

SECONDS = 6
"""CPU seconds that a trial may take, in addition to those for the size of the files."""
SECONDS_PER_MB = 0.5
MEMORY = 4 << 30
"""Bytes of data that the trial process may hold."""

_VERSION = 2
_PATIENCE = 10
"""Elapsed seconds allowed per CPU second, for a process that waits instead of computing."""


@dataclass(frozen=True)
class Limits:
    """What a trial may use: CPU seconds and bytes."""

    seconds: float
    memory: int = MEMORY

    @classmethod
    def of(cls, asset: Asset) -> Limits:
        """Return the limits for the files of a tokenizer, which take longer if they are large."""
        size = sum(path.stat().st_size for path in asset.files if asset.format != "gguf")
        return cls(SECONDS + SECONDS_PER_MB * size / 1e6)


def try_files(asset: Asset, module: str, *, limits: Limits | None = None) -> None:
    """Load and run a tokenizer in the trial process, unless its files are known or have passed.

    module: the name of the adapter's module. Raises EngineError if the process ends or reaches a limit. Any other
    error is left to the caller, who loads the tokenizer next.
    """
    if _IN_TRIAL or not asset.files or is_known(asset):
        return
    versions = {library: installed(library) for library in LIBRARIES}
    path = cache_path("trials", asset.sha256, asset.format, asset.entry, module, versions, _VERSION)
    if read_json(path) is not None:
        return
    fault = _WORKER.run(asset, module, limits or Limits.of(asset))
    if fault is not None:
        raise EngineError(asset.name, f"load {asset.files[0]}", fault, "leave it out, or download it again")
    write_json(path, {"came_through": True})


def is_known(asset: Asset) -> bool:
    """Return whether the catalogue has the hash of each file."""
    return all(sha256_of(path) in _list_known() for path in asset.files)


@cache
def _list_known() -> frozenset[str]:
    return frozenset(
        file.sha256 for entry in CATALOG.values() for source in entry.sources for file in source.files if file.sha256
    )


class _Process:
    """The trial process, with its pipes."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tokbench.adapters._trial_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment_of_child(RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", RUST_BACKTRACE="0"),
            start_new_session=True,
        )
        self.late = False
        atexit.register(self.end)

    @property
    def is_usable(self) -> bool:
        """Whether it is alive, and a child of this process."""
        return self.owner == os.getpid() and self.process.poll() is None

    def ask(self, request: bytes, limit: float) -> bytes:
        """Return the answer to a request; empty if the process has ended, or was ended after `limit` seconds."""
        timer = threading.Timer(limit, self._give_up)
        timer.start()
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(len(request).to_bytes(8, "little") + request)
            stdin.flush()
            return stdout.readline()
        except BrokenPipeError:
            return b""
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self.late = True
        self.process.kill()

    def explain_end(self, limits: Limits, begin: int) -> str | None:
        """Return why the process has ended; None if it only waited too long for work.

        begin: the length of its standard error before the request.
        """
        status = self.process.wait()
        if self.late or status == -getattr(signal, "SIGXCPU", 0):
            return f"it did not finish the trial texts within {limits.seconds:.0f} s of CPU time"
        if status == -getattr(signal, "SIGALRM", 0):
            return None
        self.errors.seek(begin)
        return describe_end(status, self.errors.read().decode(errors="replace"), limits.memory)

    def end(self) -> None:
        """End the process and close its pipes."""
        atexit.unregister(self.end)
        if self.is_usable:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            with suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()


class _Worker:
    """Runs trials one at a time, in a process that is started again whenever a trial ends it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: _Process | None = None

    def run(self, asset: Asset, module: str, limits: Limits) -> str | None:
        """Return what ended the process on a trial, or None if nothing did."""
        request = pickle.dumps((asset, module, limits))
        with self.lock:
            for _ in range(2):  # a second time if the process ended while it waited for work
                try:
                    process = self._start()
                except OSError:
                    return None  # no process can be started here
                begin = os.fstat(process.errors.fileno()).st_size
                answer = process.ask(request, limits.seconds * _PATIENCE)
                if answer:
                    return None if answer == b"\n" else str(json.loads(answer))
                fault = process.explain_end(limits, begin)
                if fault is not None:
                    return fault
        return None

    def _start(self) -> _Process:
        if self.process is None or not self.process.is_usable:
            if self.process is not None:
                self.process.end()
            self.process = _Process()
        return self.process


_WORKER = _Worker()
_IN_TRIAL = False
"""Whether this is the trial process."""


def mark_trial() -> None:
    """Mark this as the trial process, which runs no trials of its own."""
    global _IN_TRIAL  # noqa: PLW0603
    _IN_TRIAL = True
