"""Tasks that misbehave, for executors; importable in processes of their own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tokbench.errors import TokbenchError


@dataclass(frozen=True)
class Commands:
    """Works on `verb argument`: echo a word, or end the process in one of many ways."""

    folder: Path
    files: Mapping[str, Path] = field(default_factory=dict)

    def start(self, files: Mapping[str, Path]) -> Callable[[str], bytes]:
        return lambda item: self.work(item, files)

    def work(self, item: str, files: Mapping[str, Path]) -> bytes:
        verb, _, rest = item.partition(" ")
        if verb == "once":  # dies the first time only
            mark = self.folder / rest
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        elif verb == "count":  # one more file for each try
            (self.folder / f"{rest}.{len(list(self.folder.glob(f'{rest}.*')))}").touch()
            os.abort()
        elif verb == "read":
            return files[rest].name.encode() + b":" + files[rest].read_bytes()
        elif verb == "hold":
            return str(sum(len(block) for block in [bytes(1 << 20) for _ in range(int(rest))])).encode()
        return {"kill": kill, "abort": os.abort, "raise": fail, "refuse": refuse, "exit": leave}.get(
            verb, f"{rest} {os.environ.get('RAYON_NUM_THREADS')}".encode
        )()


def kill() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def fail() -> bytes:
    raise ValueError("nobody expects this")


def refuse() -> bytes:
    raise TokbenchError("the shard is damaged", "download it again")


def leave() -> bytes:
    sys.exit(3)


@dataclass(frozen=True)
class Unusable:
    """Cannot be started, or ends the process while it starts."""

    dies: bool
    files: Mapping[str, Path] = field(default_factory=dict)

    def start(self, files: Mapping[str, Path]) -> Callable[[str], bytes]:
        if self.dies:
            os.abort()
        raise TokbenchError("no tokenizer here")
