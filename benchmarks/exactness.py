"""The status of every engine on real text: `python benchmarks/exactness.py CORPUS STRESS [--write docs/engines.md]`.

CORPUS: a folder of NTREX-128 (all its languages). STRESS: a folder of files with text that is hard, read whole and by
lines. With --write, the table between the two markers of the page is replaced.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from tokbench.adapters import ADAPTERS, Tokenizer, find_asset, find_engines, load_asset, reference_adapter
from tokbench.adapters._hard_texts import hard_texts
from tokbench.adapters.selection import find_mismatch
from tokbench.errors import TokbenchError

TOKENIZERS = (
    *("gpt-neox-20b", "llama", "cl100k_base", "o200k_base", "gpt2", "qwen2.5", "llama3", "falcon", "t5"),
    *("chatglm-6b", "rwkv-world"),
)
BEGIN, END = "<!-- exactness: begin -->", "<!-- exactness: end -->"


def read_batches(corpus: Path, stress: Path) -> Iterator[tuple[str, list[str]]]:
    """Texts with a label: each language, each file of the stress set (invalid UTF-8 replaced), the hard texts."""
    for path in sorted(corpus.glob("*.txt")):
        yield path.stem, path.read_text(encoding="utf-8").splitlines()
    for path in sorted(stress.rglob("*")):
        if path.is_file() and path.stat().st_size < 4_000_000:
            text = path.read_bytes().decode(errors="replace")
            yield str(path.relative_to(stress)), [text, *text.splitlines()]
    yield "hard texts", list(hard_texts())


def find_status(tokenizer: Tokenizer, reference: Tokenizer, batches: list[tuple[str, list[str]]]) -> str:
    """exact, or the first difference and in how many texts there is one."""
    first, differing, total = "", 0, 0
    for label, texts in batches:
        expected, got = reference.encode_batch(texts), tokenizer.encode_batch(texts)
        difference = find_mismatch(expected, got, texts)
        total += len(texts)
        if difference is not None:
            differing += sum(a.tolist() != b.tolist() for a, b in zip(expected, got, strict=True))
            first = first or f"{label}: {difference}"
    if not first:
        return f"exact on {total:,} texts"
    return f"differs in {differing:,} of {total:,} texts, first {first[:200]}"


def write_table(corpus: Path, stress: Path) -> str:
    """One row a tokenizer and engine."""
    batches = list(read_batches(corpus, stress))
    lines = ["| tokenizer | format | engine | version | status |", "| --- | --- | --- | --- | --- |"]
    for name in TOKENIZERS:
        asset = find_asset(name, offline=True)
        reference = load_asset(asset)
        own = reference_adapter(asset.format)
        lines.append(f"| {name} | {asset.format} | {own} | {reference.engine} | reference |")
        engines = find_engines(asset.format)
        for engine in engines:
            try:
                loaded = ADAPTERS[engine].load(asset)
            except TokbenchError as error:
                reason = error.message.replace(str(asset.files[0].parent) + "/", "")
                lines.append(f"| {name} | {asset.format} | {engine} | – | cannot load: {clean(reason)} |")
                continue
            status = find_status(loaded, reference, batches)
            lines.append(f"| {name} | {asset.format} | {engine} | {loaded.engine} | {clean(status)} |")
    return "\n".join(lines)


def clean(text: str) -> str:
    """Text for a cell."""
    return " ".join(text.replace("|", "\\|").split())


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("stress", type=Path)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    table = write_table(options.corpus, options.stress)
    if options.write is None:
        print(table)
        return
    page = options.write.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    options.write.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
