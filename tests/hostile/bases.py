"""Intact files of every kind, from which cases are made."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from helpers import made
from hostile.case import Case, Run
from hostile.processes import fork

TEXTS = {"en": ["the quick fox", "the dog", "fish, 42 of them"], "zh": ["你好，世界", "你好", "鱼"]}
OTHER = {"en": ["another text", "of two lines"], "zh": ["另外", "两行"]}
TIMING = {
    "backend": "ctranslate2",
    "device": "cpu",
    "quantization": "int8",
    "threads": 2,
    "kv_bytes_per_value": 4,
    "model": "pythia-70m",
    "layers": 6,
    "width": 512,
    "heads": 8,
    "vocab_rows": 50304,
    "rounds": 1,
    "weights": "random",
}
PHASES = (("prefill", 1, 128, 0.05), ("prefill", 1, 512, 0.22), ("decode", 1, 64, 0.01), ("decode", 8, 64, 0.02))
WORDS = (
    "the",
    "fox",
    "quick",
    "a",
    "f",
    "o",
    "x",
    "t",
    "h",
    "e",
    "##e",
    "##x",
    "##he",
    "##o",
    ",",
    ".",
    "4",
    "2",
    "##2",
)
WORDPIECE = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS)
PIECES = (
    ["<unk>", 0.0],
    ["▁", -2.0],
    ["▁the", -3.0],
    ["e", -3.5],
    ["t", -3.6],
    ["h", -3.7],
    ["o", -4.0],
    ["fox", -5.0],
)
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
NOTHING = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None}

RunCase = Callable[[Case, Path, Mapping[str, str]], Run]
MADE_WITH = frozenset(("compare", "bench", "cost", "encode", "model score"))
"""Commands that run while the files are made."""


@dataclass(frozen=True)
class Bases:
    """A folder of intact files."""

    folder: Path

    @cached_property
    def tokenizers(self) -> dict[str, Path]:
        """Tokenizer files by kind; a folder where the kind has several."""
        return {path.name: find_main(path) for path in sorted((self.folder / "tokenizers").iterdir())}

    @cached_property
    def corpora(self) -> dict[str, Path]:
        """Corpora by format."""
        return {path.name: path for path in sorted((self.folder / "corpora").iterdir())}

    @cached_property
    def results(self) -> Path:
        """Saved results."""
        return self.folder / "results"

    @cached_property
    def cached(self) -> dict[str, tuple[tuple[str, ...], bytes]]:
        """Command lines that read the cache in the folder `cache`, and what each prints."""
        printed = self.folder / "printed"
        return {name: (line, (printed / name).read_bytes()) for name, line in list_cached(self).items()}

    @property
    def small(self) -> str:
        """A corpus of three segments in two languages."""
        return str(self.folder / "corpora" / "lines")

    @cached_property
    def contents(self) -> dict[Path, bytes]:
        """The content of every file."""
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def copy(self, source: Path, target: Path) -> Path:
        """Copy a file or folder."""
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
        return target


def find_main(folder: Path) -> Path:
    """Return the one file of a folder, or the folder."""
    files = list(folder.iterdir())
    return files[0] if len(files) == 1 else folder


def make_tokenizers(folder: Path) -> None:
    """Make a tokenizer of every kind, the same on any machine."""
    for name, make in made.MAKERS.items():
        (folder / name).mkdir(parents=True)
        if name != "wordpiece":  # training it is not repeatable
            make(folder / name)
    (folder / "wordpiece" / "vocab.txt").write_text("".join(f"{token}\n" for token in WORDPIECE))
    (folder / "unigram").mkdir()
    made.make_sentencepiece(folder / "unigram", kind="unigram")
    (folder / "gguf-sentencepiece").mkdir()
    made.make_gguf_sentencepiece(folder / "gguf-sentencepiece")
    (folder / "gguf-sentencepiece" / "tokenizer.model").unlink()
    companions = folder / "with-companions"
    companions.mkdir()
    made.make_tokenizer_json(companions)
    (companions / "tokenizer_config.json").write_text(json.dumps(CONFIG))
    (companions / "special_tokens_map.json").write_text(
        json.dumps({"eos_token": "<|endoftext|>", "pad_token": "<pad>"})
    )
    (companions / "added_tokens.json").write_text(json.dumps({"<pad>": 401}))
    for name, document in describe_models().items():
        (folder / name).mkdir()
        (folder / name / "tokenizer.json").write_text(json.dumps(document))


CONFIG = {
    "tokenizer_class": "GPT2Tokenizer",
    "eos_token": {"content": "<|endoftext|>", "special": True},
    "added_tokens_decoder": {"401": {"content": "<pad>", "special": True, "normalized": False, "lstrip": False}},
}


def describe_models() -> dict[str, dict[str, object]]:
    """Describe tokenizer.json files of the other models."""
    vocab = {token: number for number, token in enumerate(WORDPIECE)}
    words = {"[UNK]": 0, "the": 1, "fox": 2, ",": 3}
    flags = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    bert = {"normalizer": {"type": "BertNormalizer", **flags}}
    unknown = {"unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
    space = {"pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}}
    return {
        "json-wordpiece": {
            **NOTHING,
            **bert,
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {"type": "WordPiece", **unknown, "vocab": vocab},
        },
        "json-wordlevel": {
            **NOTHING,
            "normalizer": None,
            "pre_tokenizer": {"type": "Whitespace"},
            "decoder": None,
            "model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": words},
        },
        "json-unigram": {
            **NOTHING,
            **space,
            "normalizer": {"type": "NFKC"},
            "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": PIECES},
        },
    }


def make_corpora(folder: Path) -> None:
    """Make a corpus of every format."""
    import polars as pl

    languages, rows = list(TEXTS), list(zip(*TEXTS.values(), strict=True))
    for name, texts in (("lines", TEXTS), ("other", OTHER)):
        (folder / name).mkdir(parents=True)
        for lang, lines in texts.items():
            (folder / name / f"{lang}.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    (folder / "moses").mkdir()
    for lang, lines in TEXTS.items():
        (folder / "moses" / f"test.{lang}").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    for name, between in (("csv", ","), ("tsv", "\t")):
        table = [between.join(languages), *(between.join(f'"{c}"' if "," in c else c for c in row) for row in rows)]
        (folder / f"c.{name}").write_text("".join(f"{line}\n" for line in table), "utf-8")
    records = [dict(zip(languages, row, strict=True), document=f"d{n}") for n, row in enumerate(rows)]
    (folder / "c.jsonl").write_text("".join(f"{json.dumps(r, ensure_ascii=False)}\n" for r in records), "utf-8")
    pl.DataFrame(TEXTS).write_parquet(folder / "c.parquet")
    variants = (
        "".join(f'<tuv xml:lang="{k}"><seg>{v}</seg></tuv>' for k, v in zip(languages, r, strict=True)) for r in rows
    )
    units = "".join(f"<tu>{variant}</tu>\n" for variant in variants)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<tmx version="1.4"><header/><body>\n'
    (folder / "c.tmx").write_text(f"{head}{units}</body></tmx>\n", "utf-8")
    (folder / "c.json").write_text(json.dumps(records, ensure_ascii=False), "utf-8")
    (folder / "c.jsonl.gz").write_bytes(gzip.compress((folder / "c.jsonl").read_bytes(), mtime=0))
    with zipfile.ZipFile(folder / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for lang, lines in TEXTS.items():
            archive.writestr(f"c.{lang}", "".join(f"{line}\n" for line in lines))
    messages = (f'msgid "{row[0]}"\nmsgstr "{row[-1]}"\n\n' for row in rows)
    (folder / "c.po").write_text('msgid ""\nmsgstr "Language: zh\\n"\n\n' + "".join(messages), "utf-8")
    pairs = (f"<trans-unit><source>{row[0]}</source><target>{row[-1]}</target></trans-unit>\n" for row in rows)
    file = '<file source-language="en" target-language="zh"><body>'
    (folder / "c.xlf").write_text(f'<xliff version="1.2">{file}{"".join(pairs)}</body></file></xliff>\n', "utf-8")
    segments = "".join(f'<seg id="{n}">{row[0]}</seg>\n' for n, row in enumerate(rows))
    (folder / "c.sgm").write_text(f'<srcset srclang="en"><doc docid="d">{segments}</doc></srcset>\n', "utf-8")
    pl.DataFrame(TEXTS).write_ipc(folder / "c.arrow")
    (folder / "with-segments").mkdir()
    for lang, lines in TEXTS.items():
        (folder / "with-segments" / f"{lang}.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    table = "segment\tdocument\tregister\n" + "".join(f"{n}\td{n}\tnews\n" for n in range(1, 4))
    (folder / "with-segments" / "segments.tsv").write_text(table)


def make_results(bases: Bases, scratch: Path, environment: dict[str, str], run: RunCase) -> None:
    """Save results of every kind with the commands themselves."""
    folder = bases.results
    folder.mkdir()
    bpe, rwkv, words = (str(bases.tokenizers[name]) for name in ("tokenizer.json", "rwkv", "wordpiece"))
    options = ("--no-throughput", "--resamples", "20", "-q")
    lines, other = str(bases.corpora["lines"]), str(bases.corpora["other"])
    commands = [
        ("compare", "utf8", bpe, words, "-c", lines, *options, "--baseline", "utf8", "--save", str(folder / "saved")),
        ("compare", "utf8", bpe, words, "-c", other, *options, "-o", str(folder / "other.json")),
        ("compare", "utf8", rwkv, "-c", lines, *options, "-l", "en", "-o", str(folder / "english.json")),
        ("bench", rwkv, "-c", lines, "--rounds", "2", "-f", "json", "-o", str(folder / "bench.json")),
        ("cost", "utf8", "-c", lines, "-f", "json", "-o", str(folder / "cost.json")),
    ]
    for command in commands:
        done = run(Case("", command), scratch, environment)
        if done.status != 0:
            raise RuntimeError(f"{command}: {done.stderr.decode()}")
    shutil.copyfile(folder / "saved" / "comparison.json", folder / "comparison.json")
    timings = [TIMING | dict(zip(("phase", "batch", "tokens", "seconds"), row, strict=True)) for row in PHASES]
    (folder / "timings.json").write_text(json.dumps({"measurements": [], "timings": timings}))


def list_cached(bases: Bases) -> dict[str, tuple[str, ...]]:
    """List command lines that read the cache."""
    bpe, rwkv, small = str(bases.tokenizers["tokenizer.json"]), str(bases.tokenizers["rwkv"]), ("-c", bases.small)
    return {
        "compare": ("compare", bpe, rwkv, *small, "--no-throughput", "--resamples", "10", "-f", "csv"),
        "encode": ("encode", rwkv, "the fox 42"),
        "encode all": ("encode", *map(str, list_whole(bases)), "the fox 42"),
        "cost": ("cost", bpe, *small, "-f", "csv"),
        "score": ("model", "score", str(bases.folder / "model"), *small, "-l", "en", "--window", "16", "-f", "csv"),
    }


def list_whole(bases: Bases) -> list[Path]:
    """List the tokenizers that need no name of an entry beside their path."""
    return [path for kind, path in bases.tokenizers.items() if kind != "tiktoken"]


def fill_cache(bases: Bases, scratch: Path, environment: dict[str, str], run: RunCase) -> None:
    """Run the command lines that fill and read the cache, and keep what they printed."""
    (bases.folder / "printed").mkdir()
    here = environment | {"TOKBENCH_CACHE": str(bases.folder / "cache")}
    for name, line in list_cached(bases).items():
        done = run(Case("", line), scratch, here)
        if done.status != 0:
            raise RuntimeError(f"{name}: {done.stderr.decode()}")
        (bases.folder / "printed" / name).write_bytes(done.stdout)


def make_model(folder: Path, bases: Bases) -> None:
    """Make a checkpoint that passes for a trained one, with its tokenizer."""
    from helpers.pretrained import unmark
    from tokbench.pythia.formats.random_weights import make
    from tokbench.pythia.model.architecture import Architecture

    make(Architecture(layers=1, width=32, heads=2, vocab_rows=420, context=64), folder, 0, "float32")
    unmark(folder / "model.safetensors")
    shutil.copyfile(bases.tokenizers["tokenizer.json"], folder / "tokenizer.json")


def make_bases(folder: Path, environment: dict[str, str], run: RunCase) -> Bases:
    """Make everything, in other processes: training starts threads, which a parent of forks must not have.

    run: runs the commands that make results and fill the cache.
    """
    bases = Bases(folder / "intact")

    def make() -> int:
        os.environ.update(environment)
        make_tokenizers(bases.folder / "tokenizers")
        make_corpora(bases.folder / "corpora")
        make_model(bases.folder / "model", bases)
        return 0

    status, _, _ = fork(make, 120)
    if status != 0:
        raise RuntimeError("the intact files could not be made")
    scratch = folder / "scratch"
    scratch.mkdir()
    make_results(bases, scratch, environment, run)
    fill_cache(bases, scratch, environment, run)
    return bases


def encode_base64(token: bytes) -> bytes:
    """Write a token as rank files do."""
    return base64.b64encode(token)
