"""Damaged results: what report, diff and cost read."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from hostile.bases import Bases
from hostile.case import Case
from hostile.mutators import damage_bytes, damage_json, draw_name, draw_path, draw_text, make_odd_file
from hostile.outcomes import is_filled, is_json

OUTPUTS = ("r.html", "r.md", "r.md", "r.tex", "r.json", "r.csv", "r.txt")
REQUIRED = ("corpus", "tokenizers", "results", "environment", "skipped", "differences", "signature")
WRONG_KINDS = (None, 7, "x", [], {}, [1], True, {"x": 1}, [[]], "NaN")


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    kind = pick.choice(
        ("json",) * 6 + ("kind", "kind", "texts", "bytes", "folder", "folder", "timings", "timings", "other", "odd")
    )
    path = bases.copy(bases.results / "comparison.json", folder / "r" / "comparison.json")
    if kind == "timings":
        return draw_timings(pick, folder, bases)
    if kind == "other":
        return draw_other(pick, folder, bases)
    refused = False
    if kind == "json":
        data, note = damage_json(pick, path.read_bytes(), pick.choice((1, 1, 1, 3)))
        path.write_bytes(data)
    elif kind == "kind":
        document = json.loads(path.read_bytes())
        name = pick.choice(REQUIRED[:4])
        if pick.random() < 0.5:
            del document[name]
        else:
            document[name] = pick.choice(
                [wrong for wrong in WRONG_KINDS if wrong or type(wrong) is not type(document[name])]
            )
        path.write_text(json.dumps(document))
        note, refused = f"{name}: gone or of another kind", True
    elif kind == "texts":
        note = replace_texts(pick, path)
    elif kind == "bytes":
        data, note = damage_bytes(pick, path.read_bytes())
        path.write_bytes(data)
    elif kind == "folder":
        path, note = damage_folder(pick, folder, bases)
    else:
        note = make_odd_file(pick, path)
    return draw_command(pick, folder, bases, path, f"{path.name}: {note}", refused)


def draw_command(pick: random.Random, folder: Path, bases: Bases, path: Path, note: str, refused: bool) -> Case:
    """Draw what reads the result."""
    intact = str(bases.results / "comparison.json")
    if pick.random() < 0.3:
        pair = pick.choice(((str(path), intact), (intact, str(path)), (str(path), str(path))))
        options = pick.choice(((), ("--json",), ("--fail-over", "1.02"), ("-m", "fertility")))
        checks = (is_json,) if options == ("--json",) else ()
        return Case(note, ("diff", *pair, *options), refused=refused, checks=checks, escapes="--json" not in options)
    outputs = [folder / name for name in dict.fromkeys(pick.sample(OUTPUTS, pick.choice((1, 1, 2))))]
    several = (intact,) if pick.random() < 0.15 else ()
    if several:
        outputs = [out for out in outputs if out.suffix in (".html", ".md", ".tex")] or [folder / "r.md"]
    named = [part for out in outputs for part in ("-o", str(out))]
    return Case(note, ("report", str(path), *several, *named), outputs=tuple(outputs), refused=refused)


def replace_texts(pick: random.Random, path: Path) -> str:
    """Put hostile texts where names and examples are, the same one everywhere."""
    text = pick.choice(
        ("\x1b]0;owned\x07", "\u202e", "</script><script>", "\x9b2J", "|", "}\\end{document}", draw_text(pick))
    )
    old = pick.choice(("utf8", "wordpiece", '"en"', '"zh"', '"lines"', "fox", "tokenizers", "tokens"))
    new = json.dumps(text)[0 if old[0] == '"' else 1 :][: None if old[0] == '"' else -1]
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    return f"{old} becomes {text[:12]!a}"


def damage_folder(pick: random.Random, folder: Path, bases: Bases) -> tuple[Path, str]:
    """Damage a file of a folder that --save wrote, or take it away."""
    path = folder / "saved"
    shutil.copytree(bases.results / "saved", path)
    file = pick.choice(sorted(path.iterdir()))
    kind = pick.choice(("bytes", "bytes", "bytes", "gone", "odd", "swapped", "name"))
    if kind == "gone":
        file.unlink()
    elif kind == "odd":
        kind = make_odd_file(pick, file)
    elif kind == "swapped":
        shutil.copyfile(pick.choice(sorted(path.iterdir())), path / "x")
        (path / "x").replace(file)
    elif kind == "name":
        path = path.rename(path.with_name(draw_name(pick)))
    else:
        data, kind = damage_bytes(pick, file.read_bytes())
        file.write_bytes(data)
    return path, f"{file.name}: {kind}"


def draw_timings(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Damage the timings that `cost` reads."""
    path = bases.copy(bases.results / "timings.json", folder / "timings.json")
    data, note = pick.choice((damage_json, damage_json, damage_bytes))(pick, path.read_bytes())
    path.write_bytes(data)
    output = folder / pick.choice(("c.json", "c.csv", "c.md"))
    arguments = (
        "cost",
        "utf8",
        "-c",
        bases.small,
        "--timings",
        str(path),
        "-f",
        "json",
        "-o",
        str(output),
        "--threads",
        "2",
    )
    return Case(f"timings.json: {note}", arguments, checks=(is_json,), outputs=(output,), escapes=False)


def draw_other(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw results that do not belong together, or that are none."""
    kind = pick.choice(("other texts", "other languages", "other kind", "path", "output"))
    intact = str(bases.results / "comparison.json")
    if kind in ("other texts", "other languages"):
        other = str(bases.results / {"other texts": "other.json", "other languages": "english.json"}[kind])
        pair = pick.choice(((intact, other), (other, intact)))
        return Case(f"diff of {kind}", ("diff", *pair, *pick.choice(((), ("--json",)))), refused=True, escapes=False)
    output = folder / pick.choice(OUTPUTS)
    if kind == "other kind":
        path = str(bases.results / pick.choice(("bench.json", "cost.json", "timings.json", "saved/counts.parquet")))
        return Case("a result of another kind", ("report", path, "-o", str(output)), refused=True, outputs=(output,))
    if kind == "path":
        path = draw_path(pick).replace("\0", "")
        return Case(
            f"the path {path[:20]!a}", ("report", "-o", str(output), "--", path), outputs=(output,), refused=True
        )
    target = pick.choice(
        (draw_path(pick).replace("\0", ""), str(folder / "r" / "x.html"), str(folder / draw_name(pick)), "/dev/full")
    )
    return Case(f"the output {target[:20]!a}", ("report", intact, f"--output={target}"), checks=())


__all__ = ["draw", "is_filled"]
