"""Run the campaign, or one case of it: `python -m tests.hostile --cases 10000 --seed N`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> int:
    from hostile.campaign import AREAS, CHEAP, SHARES, choose_cases, draw_table, list_failures, run_campaign

    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="cases, shared among the areas")
    parser.add_argument("--seed", default="1", help="the same seed draws the same cases")
    parser.add_argument("--area", default=",".join(AREAS), help="comma-separated areas")
    parser.add_argument("--cheap", action="store_true", help="draw more of the cases that take little time")
    parser.add_argument("--case", action="append", help="only this case, such as texts/12; shows what it printed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="also write the outcome of every case to a file")
    parser.add_argument("--keep", type=Path, help="with --case: keep its files in this folder")
    options = parser.parse_args()
    areas = options.area.split(",")
    if unknown := set(areas) - set(AREAS):
        parser.error(f"no area is called {unknown.pop()}; choose from {', '.join(AREAS)}")
    if options.case:
        return show_cases(options.case, options.seed, options.keep)
    names = choose_cases(options.cases, areas, CHEAP if options.cheap else SHARES)
    results = run_campaign(names, options.seed, options.workers, lambda line: print(line, file=sys.stderr))
    if options.json:
        rows = [{**vars(result), "outcome": vars(result.outcome)} for result in results]
        options.json.write_text(json.dumps(rows, indent=1), "utf-8")
    print(f"{len(results):,} cases, seed {options.seed}\n\n{draw_table(results)}")
    print(list_failures(results, options.seed))
    return int(any(result.outcome.failed for result in results))


def show_cases(names: list[str], seed: str, keep: Path | None) -> int:
    """Repeat cases, and show everything about them."""
    import shutil

    from hostile.campaign import prepare, run_one

    failed = False
    with prepare() as bases:
        folder = bases.folder.parent / "worker-0"
        for name in names:
            result = run_one(name, seed, folder, bases)
            print(f"{name}: {result.note}\ntokbench {ascii(result.command)[1:-1]}")
            for stream in ("stdout", "stderr"):
                print(f"--- {stream}\n{(folder / stream).read_text('utf-8', errors='backslashreplace')[:4000]}")
            print(f"--- {result.outcome.kind}: {result.outcome.detail} ({result.cpu:.2f} s of CPU time)")
            failed |= result.outcome.failed
            if keep:
                shutil.copytree(
                    folder, keep / name.replace("/", "-"), symlinks=True, ignore=skip_odd, dirs_exist_ok=True
                )
    return int(failed)


def skip_odd(folder: str, names: list[str]) -> list[str]:
    """Return what cannot be copied: no file, folder or link."""
    paths = [(name, Path(folder) / name) for name in names]
    return [name for name, path in paths if not (path.is_symlink() or path.is_file() or path.is_dir())]


if __name__ == "__main__":
    sys.exit(main())
