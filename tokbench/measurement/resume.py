"""A folder of results by shard: a run that was stopped continues with the shards that are missing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object, replace_file
from tokbench._shared.pipes import find_kind
from tokbench.corpora import Shard
from tokbench.errors import TokbenchError

RUN = "run.json"
"""What all results in the folder depend on; the folder is refused if anything of it is asked for differently."""

_SUFFIX = ".shard"
_PART = ".part"


class ResultFolder:
    """The results of the shards of one run, each in a file named by all that it depends on."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.settings = settings

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, Any]) -> ResultFolder:
        """Open a folder, or make it.

        settings: what results depend on beside the shard, as JSON. Raises TokbenchError for a folder of another run,
        for one that holds anything else, and for one that cannot be written.
        """
        path = folder / RUN
        try:
            folder.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in folder.iterdir() if not entry.name.endswith(_PART)}
            if RUN in names:
                refuse_other_run(path, settings)
            elif names:
                raise TokbenchError(f"{folder} holds other files ({min(names)})", "name a new folder for --resume")
            else:
                replace_file(path, (json.dumps(settings, indent=1, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise TokbenchError(f"cannot write {folder}: {error.strerror or error}", "name another folder") from error
        return cls(folder, settings)

    def find(self, shard: Shard) -> Path:
        """Return where the result of a shard is, or would be."""
        facts = [shard.name, shard.start, shard.end, shard.size, find_time(shard), shard.format, shard.settings]
        key = json.dumps([facts, self.settings], sort_keys=True)
        return self.folder / (hashlib.sha256(key.encode()).hexdigest() + _SUFFIX)

    def read(self, shard: Shard) -> bytes | None:
        """Return the result of a shard; None if there is none that can be read."""
        path = self.find(shard)
        try:
            return None if find_kind(path) else path.read_bytes()
        except OSError:
            return None

    def write(self, shard: Shard, content: bytes) -> None:
        """Write the result of a shard completely or not at all; TokbenchError if it cannot be written."""
        try:
            replace_file(self.find(shard), content)
        except OSError as error:
            raise TokbenchError(
                f"cannot write {self.folder}: {error.strerror or error}", "make room, and run it again"
            ) from error


def refuse_other_run(path: Path, settings: Mapping[str, Any]) -> None:
    """Raise TokbenchError if a folder is of a run with other settings, naming the first of them."""
    known = read_json_object(path)
    wanted = json.loads(json.dumps(settings))
    differing = sorted(key for key in known.keys() | wanted.keys() if known.get(key) != wanted.get(key))
    if differing:
        raise TokbenchError(
            f"{path.parent} is of a run with another value of {differing[0]}", "name another folder for --resume"
        )


def find_time(shard: Shard) -> int | None:
    """Return when the file of a shard was changed, in nanoseconds; None for an address."""
    try:
        return Path(shard.file).stat().st_mtime_ns
    except OSError:
        return None
