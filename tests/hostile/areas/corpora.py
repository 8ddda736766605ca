"""Damaged corpora of every format, odd files and odd corpus arguments."""

from __future__ import annotations

import json
import random
from pathlib import Path

from hostile.bases import Bases
from hostile.case import Case, Check, Run
from hostile.mutators import damage_bytes, damage_json, draw_name, draw_path, draw_text, make_odd_file
from hostile.outcomes import is_filled, is_json

OPTIONS = (
    "en=1",
    "en=en",
    "zh=2",
    "en=99",
    "en=0",
    "en=-1",
    "header=yes",
    "header=maybe",
    "document=1",
    "document=document",
)
OPTIONS += (
    "format=csv",
    "format=tmx",
    "format=lines",
    "format=nope",
    "format=",
    "=x",
    "en=1,en=2",
    "en=translation.en",
)
OPTIONS += ("xx=1", "en=\uff11", "en=99999999999999999999", "en=../../etc/passwd", "en=/dev/null", "en=.", "en=en.txt")
PACKED = (".gz", ".xz", ".zip", ".zst", ".arrow")
ENTITIES = '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;&b;&b;">]>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    kind = pick.choice(("content", "content", "content", "content", "name", "odd file", "option", "path", "structure"))
    name = pick.choice([name for name in bases.corpora if name != "other"])
    path = bases.copy(bases.corpora[name], folder / name)
    note, argument, checks = name, str(path), []
    if name == "moses":
        argument = f"{path}/test"
    files = [path] if path.is_file() else sorted(path.iterdir())
    file = pick.choice(files)
    if kind == "content":
        data, how = damage_bytes(pick, file.read_bytes())
        file.write_bytes(data)
        note = f"{file.name}: {how}"
        checks = [refuses_bytes(file, data)] if name in ("lines", "moses") else []
    elif kind == "structure":
        note = damage_structure(pick, file)
    elif kind == "name":
        target = file.with_name(draw_name(pick) + pick.choice((file.suffix, "")))
        file.rename(target)
        argument = str(target) if path.is_file() else argument
        note = f"{name}: a file called {target.name[:20]!a}"
    elif kind == "odd file":
        note = f"{file.name}: {make_odd_file(pick, file)}"
    elif kind == "option":
        argument += ":" + ",".join(pick.sample(OPTIONS, pick.randint(1, 2)))
        note = argument.rpartition("/")[2]
    else:
        argument = draw_path(pick).replace("\0", "")
        note = f"the path {argument[:20]!a}"
    return draw_command(pick, bases, argument, note, checks)


def draw_command(pick: random.Random, bases: Bases, argument: str, note: str, checks: list[Check]) -> Case:
    """Draw what reads the corpus."""
    languages = pick.choice(((), (), ("-l", "en"), ("-l", "zh,en"), ("-l", draw_text(pick, 6).replace("\0", ""))))
    command = pick.choice(("corpus", "corpus", "corpus json", "compare", "compare json"))
    rest = pick.choice(((), ("-n", "1"), ("-n", "2")))
    if command.startswith("corpus"):
        arguments = ("corpus", *languages, *(("--json",) if "json" in command else ()), "--", argument)
    else:
        options = ("--no-throughput", "--resamples", "0", *(("-f", "json") if "json" in command else ()), *rest)
        arguments = ("compare", "utf8", "-c", argument, *options, *languages)
    first = is_json if "json" in command else is_filled
    return Case(note, arguments, checks=(first, *checks), escapes="json" not in command)


def refuses_bytes(file: Path, data: bytes) -> Check:
    """A check: a file that is read is UTF-8."""

    def check(run: Run) -> str | None:
        if file.stem.endswith("en") or file.suffix == ".en":
            try:
                data.decode()
            except UnicodeDecodeError:
                return "a file that is not UTF-8 was read"
        return None

    return check


def damage_structure(pick: random.Random, file: Path) -> str:
    """Damage what the format is made of."""
    data = file.read_bytes()
    if file.suffix == ".jsonl":
        lines = data.splitlines()
        at = pick.randrange(len(lines))
        lines[at], note = damage_json(pick, lines[at])
        file.write_bytes(b"\n".join(lines))
        return f"{file.name}, line {at}: {note}"
    if file.suffix == ".tmx":
        old, new = pick.choice(
            (
                ("utf-8", draw_text(pick, 12)),
                (
                    "utf-8",
                    pick.choice(
                        ("nope", "utf-16", "ebcdic-cp-us", "rot13", "base64", "hex", "utf-7", "idna", "punycode")
                    ),
                ),
                ("<tmx", f"{pick.choice((ENTITIES, EXTERNAL))}<tmx"),
                (
                    "the dog",
                    pick.choice(("&b;", "&#0;", "&#xD800;", "<sub/>", "<hi>" * 3000, "<![CDATA[x]]>", "&#27;]0;x&#7;")),
                ),
                (
                    'xml:lang="en"',
                    pick.choice(("", 'xml:lang=""', 'lang="en"', 'xml:lang="\u202e"', 'xml:lang="x" xml:lang="y"')),
                ),
                ("<body>", "<tu>" * pick.choice((1, 5000, 100_000))),
            )
        )
        file.write_text(
            data.decode().replace(old, new.encode("utf-8", "replace").decode(), pick.choice((1, -1))), "utf-8"
        )
        return f"{file.name}: {old} becomes {new[:20]!a}"
    if file.suffix in (".csv", ".tsv"):
        old = pick.choice((b",", b"\t", b"\n", b"en", b"zh", b'"', b"the dog"))
        new = pick.choice((b",", b"\t", b'"', b'""', b'"\n', b"en", b"", b"\r", b"\0", b'"' + b"x" * 200_000))
        file.write_bytes(data.replace(old, new, pick.choice((1, -1))))
        return f"{file.name}: {old!a} becomes {new[:8]!a}"
    if file.suffix == ".parquet":
        return rewrite_parquet(pick, file)
    if file.suffix in PACKED:
        data, note = damage_bytes(pick, data)
        file.write_bytes(data)
        return f"{file.name}: {note}"
    lines = data.decode().splitlines()
    lines[pick.randrange(len(lines))] = draw_text(pick, 500).replace("\n", " ")
    file.write_text("\n".join(lines), "utf-8", errors="surrogatepass")
    return f"{file.name}: a line replaced"


def rewrite_parquet(pick: random.Random, file: Path) -> str:
    """Change a byte of the footer, or the sizes in it."""
    data = bytearray(file.read_bytes())
    size = int.from_bytes(data[-8:-4], "little")
    at = pick.randrange(len(data) - 8 - size, len(data) - 4)
    data[at] = pick.choice((0, 0xFF, 0x7F, data[at] ^ 1))
    file.write_bytes(bytes(data))
    return f"{file.name}: footer byte {at - len(data)}"


def list_languages(run: Run) -> list[str]:
    """Read the languages from `corpus --json`."""
    return [language["lang"] for language in json.loads(run.stdout)["languages"]]
