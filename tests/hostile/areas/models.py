"""Damaged checkpoints."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

from hostile.bases import Bases
from hostile.case import Case
from hostile.mutators import damage_bytes, damage_json, draw_name, draw_number, make_odd_file
from hostile.outcomes import is_json

NAMES = ("config.json", "config.json", "model.safetensors", "model.safetensors", "tokenizer.json")


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    path = bases.copy(bases.folder / "model", folder / "model")
    file = path / pick.choice(NAMES)
    kind = pick.choice(("structure",) * 6 + ("bytes", "bytes", "gone", "odd", "index"))
    refused = False
    if kind == "gone":
        file.unlink()
        refused, note = file.name != "tokenizer.json", "gone"
    elif kind == "odd":
        note = make_odd_file(pick, file)
    elif kind == "index":
        name = pick.choice(("model.safetensors", "../../../etc/passwd", "/dev/zero", draw_name(pick), ""))
        index = {
            "weight_map": pick.choice(
                ({"embed_out.weight": name}, {"x": 7}, [name], {"x": name, "y": "model.safetensors"})
            )
        }
        (path / "model.safetensors.index.json").write_text(json.dumps(index))
        note = f"an index with {name[:12]!a}"
    elif kind == "structure" and file.suffix == ".safetensors":
        note, refused = damage_weights(pick, file)
    elif kind == "structure" and file.name == "config.json" and pick.random() < 0.5:
        document = json.loads(file.read_bytes())
        key = pick.choice(
            ("vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size", "rotary_pct", "layer_norm_eps")
        )
        document[key] = draw_number(pick)
        file.write_text(json.dumps(document))
        note = f"{key}: {document[key]}"
    else:
        data, note = (damage_json if kind == "structure" else damage_bytes)(pick, file.read_bytes())
        file.write_bytes(data)
    arguments = ("model", "score", str(path), "-c", bases.small, "-l", "en", "-n", "1", "--window", "16", "-f", "json")
    return Case(f"{file.name}: {note}", arguments, checks=(is_json,), refused=refused, escapes=False, noted=True)


def damage_weights(pick: random.Random, file: Path) -> tuple[str, bool]:
    """Damage the header of a safetensors file, its length, or the values; return whether it must be refused."""
    data = file.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    kind = pick.choice(("header", "header", "length", "values"))
    if kind == "length":
        number = pick.choice((0, 1, size - 1, size + 1, 2**31, 2**40, 2**63, 2**64 - 1))
        file.write_bytes(struct.pack("<Q", number) + data[8:])
        return f"header of {number} bytes", True
    if kind == "values":
        odd = pick.choice((float("nan"), float("inf"), 3e38))
        at = pick.randrange(8 + size, len(data) - 4)
        file.write_bytes(
            data[:at] + struct.pack("<f", odd) * 50 + data[at + 200 :] if at + 200 < len(data) else data[:-4]
        )
        return f"values {odd}", False
    header, note = damage_json(pick, data[8 : 8 + size])
    header = header[: size + 100_000]
    file.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + size :])
    return f"header, {note}", False
