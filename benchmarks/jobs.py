"""Four jobs in several ways, each run in a process of its own by `standard_job.py`: `python jobs.py WAY JOB CORPUS`.

Jobs: standard: 10 tokenizers, 20 languages, 1,997 segments of NTREX. wide: 12 tokenizers on all 204 languages of
FLORES-200. large: gpt-neox-20b on large files of lines, see `make_large`. small: three large tokenizer.json files on 8
languages of FLORES-200.

Ways: ours: `tokbench compare` as a user runs it, JSON written. counts: the same with nothing but the number of tokens.
floor: the same engines over the same texts, and nothing else: load, encode, drop the ids. batches: a plain loop over
`tokenizers.encode_batch` and the other reference engines in batches, ids kept as lists. field: text by text on the
reference engines, one thread, ids kept as lists. encoding: only encoding and counting, its seconds printed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

CHUNK = 8_192
"""Lines that the floor of the large job encodes at once."""


@dataclass(frozen=True)
class Job:
    """Tokenizers, and languages with their number of segments; None for all there are."""

    tokenizers: tuple[str, ...]
    languages: tuple[str, ...] | None = None
    segments: int | None = None
    large: bool = False


JOBS = {
    "standard": Job(
        (
            *("gpt-neox-20b", "llama", "cl100k_base", "o200k_base", "gpt2", "qwen2.5", "llama3", "falcon"),
            *("chatglm-6b", "rwkv-world"),
        ),
        (
            *("eng", "zho-CN", "arb", "hin", "jpn", "kor", "tha", "mya", "amh", "swa", "rus", "deu", "fra", "spa"),
            *("tur", "tam", "vie", "heb", "ell", "ukr"),
        ),
        1997,
    ),
    "wide": Job(
        (
            *("gpt-neox-20b", "llama", "cl100k_base", "o200k_base", "llama3", "qwen2.5", "rwkv-world", "t5"),
            *("mistral-v1", "mistral-tekken", "command-r", "xlm-roberta"),
        )
    ),
    "large": Job(("gpt-neox-20b",), large=True),
    "small": Job(
        ("gpt-neox-20b", "command-r", "xlm-roberta"),
        (*("eng_Latn", "zho_Hans", "arb_Arab", "hin_Deva", "jpn_Jpan", "tha_Thai", "rus_Cyrl", "deu_Latn"),),
    ),
}


def find_files(corpus: Path, job: Job) -> list[Path]:
    """The files of the languages of a job."""
    if job.languages is None:
        return sorted(path for path in corpus.iterdir() if path.is_file())
    found = []
    for lang in job.languages:
        names = (f"*.{lang}.txt", f"{lang}.*")
        found += [path for name in names for path in corpus.glob(name) if "-ref-2." not in path.name]
    return found


def read_texts(corpus: Path, job: Job, segments: int | None) -> list[list[str]]:
    """The texts of each language, read as plainly as can be."""
    return [file.read_text(encoding="utf-8").split("\n")[:segments] for file in find_files(corpus, job)]


def make_large(corpus: Path, folder: Path, size: int) -> None:
    """Write the English and Chinese lines of NTREX, shuffled again and again, to two files of about `size` bytes."""
    sides = [path.read_text(encoding="utf-8").split("\n") for path in find_files(corpus, JOBS["standard"])[:2]]
    pairs = [(f"{en}\n", f"{zh}\n") for en, zh in zip(*sides, strict=True) if en and zh]
    folder.mkdir(parents=True, exist_ok=True)
    mix = random.Random(0)
    with (
        (folder / "large.en").open("w", encoding="utf-8") as en,
        (folder / "large.zh").open("w", encoding="utf-8") as zh,
    ):
        while en.tell() + zh.tell() < size:
            mix.shuffle(pairs)
            left, right = zip(*pairs, strict=True)
            en.write("".join(left))
            zh.write("".join(right))


def run_ours(corpus: Path, job: Job, segments: int | None, engine: str, *options: str) -> None:
    """The whole comparison: every metric, intervals, JSON. Speed rounds are left out: they repeat texts by intent."""
    from tokbench._shared.process import allow_trimming
    from tokbench.cli import app

    chosen = [] if job.languages is None else ["-l", ",".join(job.languages)]
    chosen += [] if segments is None else ["-n", str(segments)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = [*job.tokenizers, "-c", str(corpus), *chosen, "-q", "--offline", "--no-throughput"]
        arguments += ["--engine", engine, "-o", str(Path(folder) / "out.json"), *options]
        with Path(os.devnull).open("w") as nowhere, allow_trimming():  # as the command itself does
            sys.stdout = nowhere
            app(["compare", *arguments], standalone_mode=False)


def run_floor(corpus: Path, job: Job, segments: int | None, threads: int, engine: str) -> None:
    """The engines that `auto` chooses, loaded and run over each language, on threads; the choice is not timed twice."""
    from tokbench.adapters import find_asset
    from tokbench.adapters.selection import Sample, load_engine

    files = find_files(corpus, job)
    size = sum(path.stat().st_size for path in files)
    if job.large:
        (name,) = job.tokenizers
        tokenizer = load_engine(find_asset(name, offline=True), engine, Sample((), size))
        with ThreadPoolExecutor(threads) as pool:
            running: list[Future[int]] = []
            total = 0
            for texts in (chunk for path in files for chunk in iterate_lines(path)):
                running.append(pool.submit(lambda texts=texts: len(tokenizer.encode_batch(texts).ids)))
                if len(running) > 2 * threads:
                    total += running.pop(0).result()
            print(total + sum(future.result() for future in running))
        return
    columns = read_texts(corpus, job, segments)
    sample = Sample((), sum(len(text.encode()) for texts in columns for text in texts))

    def run(name: str) -> int:
        loaded = load_engine(find_asset(name, offline=True), engine, sample)
        return sum(len(loaded.encode_batch(texts).ids) for texts in columns)

    with ThreadPoolExecutor(threads) as pool:
        print(sum(pool.map(run, job.tokenizers)))


def iterate_lines(path: Path) -> Iterator[list[str]]:
    """The lines of a file, `CHUNK` at a time."""
    with path.open(encoding="utf-8", newline="\n") as file:
        while lines := list(islice(file, CHUNK)):
            yield [line.removesuffix("\n") for line in lines]


def run_reference(corpus: Path, job: Job, segments: int | None, *, batches: bool) -> None:
    """The reference engines through their own Python interfaces, ids kept as lists."""
    from tokbench.adapters import load_tokenizer

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    columns = read_texts(corpus, job, segments)
    kept: list[list[int]] = []
    for name in job.tokenizers:
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


def run_encoding(corpus: Path, job: Job, segments: int | None) -> None:
    """Only encoding and counting, its seconds printed: how time grows with text."""
    from tokbench.adapters.selection import Sample
    from tokbench.corpora import load_corpus
    from tokbench.measurement import measure
    from tokbench.measurement.loading import load_tokenizers

    texts = load_corpus(corpus, languages=list(job.languages) if job.languages else None, segments=segments)
    loaded, _ = load_tokenizers(job.tokenizers, Sample(("x",), 10**9), offline=True)
    start = time.perf_counter()
    measure(loaded, texts)
    print(json.dumps(time.perf_counter() - start))


def main() -> None:
    """Run one way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=("ours", "counts", "floor", "floor1", "batches", "field", "encoding"))
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-n", "--segments", type=int)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    job = JOBS[options.job]
    common = (options.corpus, job, options.segments or job.segments)
    if options.way == "ours":
        run_ours(*common, options.engine)
    elif options.way == "counts":
        run_ours(*common, options.engine, "-m", "tokens_per_segment", "--resamples", "0")
    elif options.way in ("floor", "floor1"):
        run_floor(*common, 1 if options.way == "floor1" else options.threads, options.engine)
    elif options.way == "encoding":
        run_encoding(*common)
    else:
        run_reference(*common, batches=options.way == "batches")


if __name__ == "__main__":
    main()
