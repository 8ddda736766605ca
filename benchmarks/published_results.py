"""Make the table of published evaluations behind `tokbench model results`.

`python benchmarks/published_results.py RESULTS.parquet` writes tokbench/pythia/results/published.parquet. RESULTS holds
the figures of the JSON files of EleutherAI/pythia, folders evals/pythia-v1, evals/opt and evals/bloom, one per row:
file, num_fewshot, task, metric, value, stderr. Of them it keeps the sixteen models of the suite, zero-shot and
five-shot, and the final models of OPT and BLOOM, on the tasks below; experiments with other batch sizes or data, and
what is not a value, are left out. Values are rounded to six significant digits: an accuracy over N questions is a
multiple of 1/N, and no task has a million.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import polars as pl

SOURCE = "https://github.com/EleutherAI/pythia, folder evals"
COMMIT = "a19eecb807ec2c79a39ebf18108816e6ffffc1d5"
LICENCE = "Apache-2.0"
DATE = "2026-11-28"
TASKS = ("lambada_openai", "piqa", "winogrande", "wsc", "arc_easy", "arc_challenge", "sciq", "logiqa")
METRICS = ("acc", "acc_norm", "ppl")
SIZES = ("70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b", "12b")
SUITE = [f"pythia-{size}{ending}" for size in SIZES for ending in ("", "-deduped")]
FOLDERS = {name: "pythia-1b-bf16" if name == "pythia-1b" else name for name in SUITE}
SHOTS = {"zero-shot": 0, "five-shot": 5}
LAST = 143_000
DIGITS = 6
TABLE = Path(__file__).parents[1] / "tokbench" / "pythia" / "results" / "published.parquet"


def name_file(path: str) -> dict[str, object] | None:
    """The model, step and shots of a file; None for one that is left out."""
    other = re.fullmatch(r"evals/(opt|bloom)/(?P<name>[\w.-]+)\.json", path)
    if other:
        return {"model": other["name"], "step": None, "shots": None}
    found = re.fullmatch(r"evals/pythia-v1/(?P<folder>[^/]+)/(?P<shots>[^/]+)/[^/]+_step(?P<step>\d+)\.json", path)
    models = {folder: model for model, folder in FOLDERS.items()}
    if found is None or found["folder"] not in models or found["shots"] not in SHOTS:
        return None
    return {"model": models[found["folder"]], "step": int(found["step"]), "shots": SHOTS[found["shots"]]}


def make(results: pl.DataFrame) -> pl.DataFrame:
    """The rows that are kept, in the order of models, shots, steps, tasks and metrics."""
    files = [{"file": file, **named} for file in results["file"].unique() if (named := name_file(file))]
    named = pl.DataFrame(files, schema={"file": pl.String, "model": pl.String, "step": pl.Int32, "shots": pl.Int8})
    rows = results.join(named, on="file").filter(
        pl.col("task").is_in(TASKS), pl.col("metric").is_in(METRICS), pl.col("value").is_finite()
    )
    wrong = rows.filter(pl.col("shots").is_not_null() & (pl.col("shots") != pl.col("num_fewshot")))
    if wrong.height:
        raise SystemExit(f"shots in names and contents differ: {wrong['file'].unique().to_list()}")
    suite = SUITE
    others = sorted(set(rows["model"]) - {*suite}, key=lambda name: (name.partition("-")[0], count(name)))
    order = [*suite, *others]
    rows = rows.select(
        model=pl.col("model").cast(pl.Enum(order)),
        shots=pl.col("num_fewshot").cast(pl.Int8),
        step=pl.col("step").cast(pl.Int32),
        task=pl.col("task").cast(pl.Enum(TASKS)),
        metric=pl.col("metric").cast(pl.Enum(METRICS)),
        value=pl.col("value").round_sig_figs(DIGITS),
        stderr=pl.col("stderr").round_sig_figs(DIGITS),
    ).sort("model", "shots", "step", "task", "metric")
    if rows.select("model", "shots", "step", "task", "metric").is_duplicated().any():
        raise SystemExit("two files hold the same evaluation")
    return rows.with_columns(pl.col("model", "task", "metric").cast(pl.String))


def count(name: str) -> float:
    """The parameters that a name says, in millions: opt-1.3b, bloom-7b1."""
    number, unit, rest = re.fullmatch(r".*-([\d.]+)([mb])(\d?)", name).groups()
    return float(f"{number}.{rest}" if rest else number) * {"m": 1, "b": 1000}[unit]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="The figures of all files as Parquet.")
    rows = make(pl.read_parquet(parser.parse_args().results))
    facts = {"source": SOURCE, "commit": COMMIT, "licence": LICENCE, "date": DATE}
    rows.write_parquet(TABLE, compression="zstd", compression_level=22, metadata=facts)
    print(f"{TABLE}: {rows.height:,} rows, {TABLE.stat().st_size:,} bytes")
    print(rows.group_by("model", maintain_order=True).agg(pl.col("step").n_unique(), pl.len()))


if __name__ == "__main__":
    main()
