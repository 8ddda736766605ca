"""Arguments and options shared by several commands, and the corpus that they select."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._numbers import MOST_THREADS, whole_option
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.corpora import ParallelCorpus

_DEFAULT_SET = "By default the table of 2023, GPT-NeoX and those bundled with installed packages"


LIST_MARK = ",..."
"""How the name of an option's values ends if it takes several, comma-separated or repeated."""


def list_option(*names: str, metavar: str, help: str, **settings: Any) -> Any:  # noqa: A002
    """Declare an option for several names, comma-separated or repeated; the parameter is a list of text.

    names, settings: as for `typer.Option`. The command receives the names one by one, each once.
    """
    before, bracket, default = help.partition(" [default:")
    shown = f"{before} Comma-separated or repeated.{bracket}{default}"
    return typer.Option(*names, metavar=f"{metavar}{LIST_MARK}", help=shown, **settings)


class DeviceName(StrEnum):
    """Device a model runs on."""

    cpu = "cpu"
    cuda = "cuda"


# ---- tokenizers

TokenizerName = Annotated[str, typer.Argument(help="Tokenizer: catalogue name, alias, path or hf:org/name[@revision].")]
TokenizerNames = Annotated[
    list[str], typer.Argument(help="Catalogue names, aliases, paths or hf:org/name[@revision].", show_default=False)
]
OptionalTokenizerNames = Annotated[
    list[str] | None,
    typer.Argument(
        help=f"Catalogue names, aliases, paths or hf:org/name[@revision]. {_DEFAULT_SET}.", show_default=False
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Do not access the network.")]

# ---- texts

Corpus = Annotated[
    str | None, typer.Option("-c", "--corpus", help="Corpus: name, file or folder. [default: tokbench14]")
]
Languages = Annotated[
    list[str] | None,
    list_option("-l", "--languages", metavar="LANGUAGE", help="Languages. [default: all]"),
]
Segments = Annotated[int | None, whole_option("-n", "--segments", low=1, help="Use only the first N segments.")]
Reference = Annotated[
    str | None, typer.Option(help="Reference language of premiums. [default: English, else the first]")
]

# ---- models

Quantization = Annotated[str, typer.Option(help="Weight type, as named by the backend.")]
Threads = Annotated[
    int | None,
    whole_option("--threads", low=1, high=MOST_THREADS, help="Backend threads. [default: all cores]"),
]
Device = Annotated[DeviceName, typer.Option(help="Device to run on.")]
Revision = Annotated[
    str | None, typer.Option(help="Saved training step on the hub, such as step3000.", show_default=False)
]

# ---- results

OutputFormat = Annotated[
    str,
    typer.Option(
        "-f",
        "--format",
        help="Format of standard output: table, markdown, json, csv, html, latex, parquet or xlsx.",
    ),
]
Outputs = Annotated[
    list[Path] | None,
    typer.Option("-o", "--output", help="Also write to FILE, in the format given by its extension. Repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json, which has all details.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Hide progress and notes.")]
Verbose = Annotated[
    int,
    typer.Option(
        "-v", "--verbose", count=True, show_default=False, help="Explain on standard error what is done; -vv says more."
    ),
]


def open_corpus(
    corpus: str | None, languages: Sequence[str] | None = None, segments: int | None = None
) -> ParallelCorpus:
    """Read the corpus that --corpus, --languages and --segments select.

    Raises TokbenchError for a language that is empty or given twice, and as `load_corpus` does.
    """
    from tokbench.corpora import load_corpus

    return load_corpus(corpus, languages=split_languages(languages), segments=segments)


def split_languages(listed: Sequence[str] | None) -> list[str] | None:
    """Return the languages of all --languages options, in order; None if there are none."""
    return split_names("--languages", *listed) if listed else None


def split_names(name: str, *listed: str) -> list[str]:
    """Split comma-separated names, without duplicates; TokbenchError for an empty one.

    name: the option, for the error.

    >>> split_names("--languages", "en,zh", "de")
    ['en', 'zh', 'de']
    """
    names = [part.strip() for text in listed for part in text.split(",")]
    if not all(names):
        raise TokbenchError(f"{name} {','.join(listed)!r} has an empty name", "separate names with single commas")
    return list(dict.fromkeys(names))
