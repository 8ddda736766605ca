"""Arguments and options shared by several commands, and the corpus that they select."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._numbers import MOST_THREADS, MOST_WORKERS, share_option, whole_option
from tokbench.cli._progress import note
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.corpora import Corpus as AnyCorpus

_DEFAULT_SET = "[default: @default, of today]"
_KINDS = "Catalogue names, aliases, paths, hub repositories org/name[@revision] or sets such as @openai"


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


class Splits(StrEnum):
    """What a segment of plain text is."""

    lines = "lines"
    documents = "documents"
    none = "none"


# ---- tokenizers

TokenizerName = Annotated[
    str, typer.Argument(help="Tokenizer: catalogue name, alias, path or hub repository org/name[@revision].")
]
TokenizerNames = Annotated[list[str], typer.Argument(help=f"{_KINDS}.", show_default=False)]
OptionalTokenizerNames = Annotated[
    list[str] | None,
    typer.Argument(help=f"{_KINDS}. {_DEFAULT_SET}", show_default=False),
]
Offline = Annotated[bool, typer.Option("--offline", help="Do not access the network.")]

ProgramCommand = Annotated[
    str | None,
    typer.Option(
        "--command",
        metavar="CMD",
        help="Program as an engine: it reads texts as JSON strings, one per line, and answers each line with an "
        "array of ids, flushed at once. No shell runs it.",
        show_default=False,
    ),
]

# ---- texts

Corpus = Annotated[
    list[str] | None,
    typer.Option(
        "-c",
        "--corpus",
        metavar="CORPUS",
        help="Corpus: name, file or folder. Several are groups side by side. [default: tokbench14]",
    ),
]
Split = Annotated[
    Splits | None,
    typer.Option(help="What a segment of plain text is: a line, a document or all of it. [default: by format]"),
]
Languages = Annotated[
    list[str] | None,
    list_option("-l", "--languages", metavar="LANGUAGE", help="Languages. [default: all]"),
]
Segments = Annotated[int | None, whole_option("-n", "--segments", low=1, help="Use only the first N segments.")]
Reference = Annotated[
    str | None, typer.Option(help="Reference language of premiums. [default: English, else the first]")
]

# ---- streams

Executor = Annotated[
    str | None,
    typer.Option(
        help="Where the shards of a stream are measured: local (processes), ray, ray://HOST:PORT or HOST:PORT (a "
        "cluster). [default: one after the other in this process]",
    ),
]
Workers = Annotated[
    int | None,
    whole_option("--workers", low=1, high=MOST_WORKERS, help="Shards measured at a time. [default: one per core]"),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Keep the result of each shard of a stream in FOLDER, and measure only those not there."
    ),
]

Precision = Annotated[
    float | None,
    share_option(
        "--precision",
        low=0.0001,
        high=0.5,
        metavar="SHARE",
        help="Read only a sample of a stream: as much as it takes for intervals of ± SHARE of the value, such as 1%. "
        "[default: read all]",
    ),
]

# ---- models

Efficiency = Annotated[
    float | None,
    share_option(
        "--efficiency",
        low=0.0001,
        high=1,
        metavar="SHARE",
        help="Share of the device's peak FLOP/s and bandwidth that is reached. [default: 50%]",
        show_default=False,
    ),
]
BackendQuantization = Annotated[
    str | None,
    typer.Option("--quantization", help="Weight type, as named by the backend. [default: int8, or the backend's own]"),
]
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
        help="Format of standard output: table, markdown, json, csv, html, latex, parquet or xlsx; bibtex for "
        "comparisons.",
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


def expand_tokenizers(names: Sequence[str], *, offline: bool) -> list[str]:
    """Return tokenizers with sets replaced by those of their members that are available, and name the others.

    Raises TokbenchError if none is left.
    """
    from tokbench.adapters import find_asset
    from tokbench.catalog.sets import SetMember, expand_sets
    from tokbench.errors import UnavailableError

    available, missing = [], []
    for name in expand_sets(names):
        try:
            if isinstance(name, SetMember):
                find_asset(name, offline=offline)
            available.append(name)
        except UnavailableError:
            missing.append(name)
    if not available:
        raise TokbenchError(f"of {', '.join(names)}, no tokenizer is available here", f"try `tokbench pull {names[0]}`")
    if missing:
        note(f"tokbench: not available here: {', '.join(missing)}; get them with `tokbench pull NAME`")
    return available


def open_corpus(
    corpus: str | Sequence[str] | None,
    languages: Sequence[str] | None = None,
    segments: int | None = None,
    split: Splits | None = None,
) -> AnyCorpus:
    """Read the corpus that --corpus, --languages, --segments and --split select.

    Several corpora become groups side by side; the languages are then labels of groups.
    Raises TokbenchError for a language that is empty, and as `load_corpus` does.
    """
    from tokbench.corpora import join_corpora, load_corpus

    cut = None if split is None else split.value
    chosen = split_languages(languages)
    specs: list[str | None] = [corpus] if corpus is None or isinstance(corpus, str) else [*corpus] or [None]
    if len(specs) == 1:
        opened = load_corpus(specs[0], languages=chosen, segments=segments, split=cut)
        note_languages(chosen or (), opened.languages)
        return opened
    return join_corpora([load_corpus(spec, split=cut) for spec in specs]).select(chosen, segments)


def note_languages(wanted: Sequence[str], chosen: Sequence[str]) -> None:
    """Tell which languages of a corpus are meant by tags and names that it does not use itself."""
    from tokbench.corpora import choose_languages

    meant = [f"{tag} is {choose_languages(chosen, [tag], 'the corpus')[0]}" for tag in wanted if tag not in chosen]
    if meant:
        note(f"tokbench: {', '.join(meant)}")


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
