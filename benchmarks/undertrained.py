"""Plant under-trained rows in random embeddings, and count how many each indicator finds: precision and recall.

    python benchmarks/undertrained.py --seeds 5

Healthy rows are normal around a common direction and spread most along another one, as by frequency; their norms are
log-normal (8 % spread). A planted input row keeps
`shrink` of its norm, as weight decay leaves it. A planted output row is a mixture of the padding rows' direction and
the healthy distribution: `trained` is the share of the latter's norm. So are the padding rows, with `trained` 0.05.
Two questions are answered for each strength: of the tokens planted, how many are among the lowest 2 % (recall at 2 %);
and how many of those that are called like the reference rows were planted, and how many of the planted are called so
(precision, recall).
"""

from __future__ import annotations

import argparse
import json
import struct
import tempfile
from pathlib import Path

import numpy as np

from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.analysis.vocabulary import Indicator, Reach, find_undertrained
from tokbench.analysis.vocabulary._undertrained import classify_rows
from tokbench.pythia.formats.embeddings import open_embeddings

NAMES = ("gpt_neox.embed_in.weight", "embed_out.weight")
SPREAD, COMMON, FREQUENCY = 0.08, 0.4, 0.3
"""Healthy rows: spread of the logarithm of norms, norm of the part that all share, spread along one direction."""
STRENGTHS = ((0.3, 0.2), (0.6, 0.5), (0.75, 1.0), (0.85, 1.5), (0.95, 3.0))
"""Planted strengths: the norm that an input row keeps, and what an output row has learnt."""


def normalise(row: np.ndarray) -> np.ndarray:
    """Return a row of norm 1."""
    return row / np.linalg.norm(row)


def draw_healthy(generator: np.random.Generator, rows: int, width: int) -> np.ndarray:
    """Draw rows of norm about 1 that share a direction."""
    found = generator.standard_normal((rows, width), dtype=np.float32) / np.sqrt(width, dtype=np.float32)
    common, frequency = (normalise(generator.standard_normal(width, dtype=np.float32)) for _ in range(2))
    found += np.float32(COMMON) * common
    found += np.float32(FREQUENCY) * np.outer(generator.standard_normal(rows, dtype=np.float32), frequency)
    found *= np.exp(SPREAD * generator.standard_normal(rows)).astype(np.float32)[:, None]
    return found


def plant(
    generator: np.random.Generator, rows: int, width: int, weak: np.ndarray, padding: np.ndarray, strength: tuple
) -> dict[str, np.ndarray]:
    """Draw both matrices, with weak rows and padding rows."""
    shrink, trained = strength
    entrance, output = draw_healthy(generator, rows, width), draw_healthy(generator, rows, width)
    entrance[weak] *= np.float32(shrink)
    entrance[padding] *= np.float32(min(shrink, 0.6))
    direction = normalise(generator.standard_normal(width, dtype=np.float32))
    output[weak] = np.float32(trained) * output[weak] + direction
    output[padding] = np.float32(0.05) * output[padding] + direction
    return dict(zip(NAMES, (entrance, output), strict=True))


def write(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    """Write tensors as float16 in a safetensors file."""
    head, parts, begin = {}, [], 0
    for name, tensor in tensors.items():
        content = tensor.astype("<f2").tobytes()
        head[name] = {"dtype": "F16", "shape": tensor.shape, "data_offsets": [begin, begin + len(content)]}
        parts.append(content)
        begin += len(content)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def measure(tokenizer: Tokenizer, rows: int, width: int, planted: float, seeds: int) -> list[dict[str, object]]:
    """Return one row per strength and indicator: means over seeds."""
    classes = classify_rows(tokenizer, rows)["class"]
    reachable = np.flatnonzero((classes == Reach.REACHABLE.value).to_numpy())
    padding = np.flatnonzero((classes == "padding").to_numpy())
    found: dict[tuple, list[tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for strength in STRENGTHS:
            for seed in range(seeds):
                generator = np.random.default_rng([seed, rows])
                weak = np.sort(generator.choice(reachable, round(planted * len(reachable)), replace=False))
                write(Path(temporary), plant(generator, rows, width, weak, padding, strength))
                for indicator in Indicator:
                    report = find_undertrained(tokenizer, open_embeddings(temporary), indicator=indicator)
                    lowest = set(report.candidates()["id"])
                    alike = report.rows.filter("like_reference")
                    named = set(alike["id"]) & set(reachable.tolist())
                    hits = len(named & set(weak.tolist()))
                    found.setdefault((strength, indicator.value), []).append(
                        (
                            len(lowest & set(weak.tolist())) / len(weak),
                            hits / len(named) if named else float("nan"),
                            hits / len(weak),
                        )
                    )
    return [
        {"strength": strength, "indicator": name, "values": np.array(values)}
        for (strength, name), values in found.items()
    ]


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", default="gpt-neox-20b")
    parser.add_argument("--rows", type=int, default=50304)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--planted", type=float, default=0.01, help="share of the reachable tokens")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    results = measure(load_tokenizer(options.tokenizer), options.rows, options.width, options.planted, options.seeds)
    print("| input norm kept | learnt by the output row | indicator | recall at 2 % | precision | recall |")
    print("|--:|--:|---|--:|--:|--:|")
    for row in results:
        low, mean = row["values"].min(axis=0), row["values"].mean(axis=0)
        cells = " | ".join("–" if np.isnan(m) else f"{m:.3f} ({least:.3f})" for m, least in zip(mean, low, strict=True))
        shrink, trained = row["strength"]
        print(f"| {shrink} | {trained} | {row['indicator']} | {cells} |")


if __name__ == "__main__":
    main()
