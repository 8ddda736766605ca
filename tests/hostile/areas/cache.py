"""Damaged caches: the figures stay the same, or one line says why there are none."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from hostile.bases import Bases
from hostile.case import Case, Check, Run
from hostile.mutators import damage_bytes, make_odd_file


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    name = pick.choice(list(bases.cached) * 2 + ["compare"] * 4)
    command, expected = bases.cached[name]
    cache = folder / "cache"
    shutil.copytree(bases.folder / "cache", cache)
    kind = pick.choice(("bytes",) * 6 + ("gone", "odd", "swapped", "folder", "many", "part"))
    note = damage_cache(pick, cache, kind, name)
    return Case(
        f"{name}: {note}",
        command,
        environment={"TOKBENCH_CACHE": str(cache)},
        checks=(gives(expected),),
        figures=True,
        escapes=False,
    )


def damage_cache(pick: random.Random, cache: Path, kind: str, command: str) -> str:
    """Damage a file that the command may read, or its folder."""
    files = sorted(path for path in cache.rglob("*") if path.is_file())
    near = [path for path in files if ("models" in path.parts) == command.startswith("score")]
    file = pick.choice(near or files)
    if kind == "gone":
        file.unlink()
    elif kind == "odd":
        kind = make_odd_file(pick, file)
    elif kind == "swapped":
        shutil.copyfile(pick.choice(files), cache / "x")
        (cache / "x").replace(file)
    elif kind == "folder":
        shutil.rmtree(file.parent)
        kind = make_odd_file(pick, file.parent)
        return f"{file.parent.name} is {kind}"
    elif kind == "many":
        for path in files:
            path.write_bytes(damage_bytes(pick, path.read_bytes())[0])
    elif kind == "part":
        (file.parent / f"{file.name}.part").write_bytes(b"x")
        file.write_bytes(file.read_bytes()[:-1])
    else:
        data, kind = damage_bytes(pick, file.read_bytes())
        file.write_bytes(data)
    return f"{file.parent.name}/{file.suffix or file.name}: {kind}"


def gives(expected: bytes) -> Check:
    """A check: standard output is what an intact cache gives."""

    def check(run: Run) -> str | None:
        return None if run.stdout == expected else "other figures than with the intact cache"

    return check
