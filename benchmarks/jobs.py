"""The standard job in several ways, each run in a process of its own by `standard_job.py`: `python jobs.py WAY ...`.

ours: `tokbench compare` as a user runs it, JSON written. floor: the same engines over the same texts, and nothing
else: load, encode, drop the ids. batches: a plain loop over `tokenizers.encode_batch` and the other reference engines
in batches, ids kept as lists. field: text by text on the reference engines, one thread, ids kept as lists.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOKENIZERS = (
    *("gpt-neox-20b", "llama", "cl100k_base", "o200k_base", "gpt2", "qwen2.5", "llama3", "falcon", "chatglm-6b"),
    "rwkv-world",
)
LANGUAGES = (
    *("eng", "zho-CN", "arb", "hin", "jpn", "kor", "tha", "mya", "amh", "swa", "rus", "deu", "fra", "spa", "tur"),
    *("tam", "vie", "heb", "ell", "ukr"),
)


def read_texts(corpus: Path, segments: int) -> list[list[str]]:
    """The texts of each language, read as plainly as can be."""
    columns = []
    for lang in LANGUAGES:
        (file,) = [path for path in corpus.glob(f"*.{lang}.txt") if "-ref-2." not in path.name]
        columns.append(file.read_text(encoding="utf-8").splitlines()[:segments])
    return columns


def run_ours(corpus: Path, segments: int, threads: int, engine: str) -> None:
    """The whole comparison: every metric, intervals, JSON. Speed rounds are left out: they repeat texts by intent."""
    from tokbench.cli import app

    with tempfile.TemporaryDirectory() as folder:
        arguments = [*TOKENIZERS, "-c", str(corpus), "-l", ",".join(LANGUAGES), "-n", str(segments), "-q", "--offline"]
        options = ["--no-throughput", "--engine", engine, "-o", str(Path(folder) / "out.json")]
        with Path(os.devnull).open("w") as nowhere:
            sys.stdout = nowhere
            app(["compare", *arguments, *options], standalone_mode=False)


def run_floor(corpus: Path, segments: int, threads: int, engine: str) -> None:
    """The engines that `auto` chooses, loaded and run over each language, on threads; the choice is not timed twice."""
    from tokbench.adapters import find_asset
    from tokbench.adapters.selection import Sample, load_engine

    columns = read_texts(corpus, segments)
    sample = Sample((), sum(len(text.encode()) for texts in columns for text in texts))

    def run(name: str) -> int:
        tokenizer = load_engine(find_asset(name, offline=True), engine, sample)
        return sum(len(tokenizer.encode_batch(texts).ids) for texts in columns)

    with ThreadPoolExecutor(threads) as pool:
        print(sum(pool.map(run, TOKENIZERS)))


def run_reference(corpus: Path, segments: int, *, batches: bool) -> None:
    """The reference engines through their own Python interfaces, ids kept as lists."""
    from tokbench.adapters import load_tokenizer

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    columns = read_texts(corpus, segments)
    kept: list[list[int]] = []
    for name in TOKENIZERS:
        loaded = load_tokenizer(name, offline=True)
        own = getattr(loaded, "tokenizer", None)
        for texts in columns:
            if batches and own is not None:
                kept += [found.ids for found in own.encode_batch(texts, add_special_tokens=False)]
            elif batches:
                kept += [ids.tolist() for ids in loaded.encode_batch(texts)]
            elif own is not None:
                kept += [own.encode(text, add_special_tokens=False).ids for text in texts]
            elif hasattr(loaded, "encoding"):
                kept += [loaded.encoding.encode_ordinary(text) for text in texts]
            elif hasattr(loaded, "processor"):
                kept += [loaded.processor.encode(text) for text in loaded.prepare(texts)]
            else:
                kept += [loaded.encode_batch([text]).ids.tolist() for text in texts]
    print(sum(map(len, kept)))


def run_encoding(corpus: Path, segments: int, threads: int, engine: str) -> None:
    """Only encoding and counting, its seconds printed: how time grows with text."""
    from tokbench.adapters.selection import Sample
    from tokbench.corpora import load_corpus
    from tokbench.measurement import measure
    from tokbench.measurement.loading import load_tokenizers

    texts = load_corpus(corpus, languages=list(LANGUAGES), segments=segments)
    loaded, _ = load_tokenizers(TOKENIZERS, Sample(("x",), 10**9), engine=engine, offline=True)
    start = time.perf_counter()
    measure(loaded, texts)
    print(json.dumps(time.perf_counter() - start))


def main() -> None:
    """Run one way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=("ours", "floor", "floor1", "batches", "field", "encoding"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-n", "--segments", type=int, default=1997)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    common = (options.corpus, options.segments)
    if options.way == "ours":
        run_ours(*common, options.threads, options.engine)
    elif options.way in ("floor", "floor1"):
        run_floor(*common, 1 if options.way == "floor1" else options.threads, options.engine)
    elif options.way == "encoding":
        run_encoding(*common, options.threads, options.engine)
    else:
        run_reference(*common, batches=options.way == "batches")


if __name__ == "__main__":
    main()
