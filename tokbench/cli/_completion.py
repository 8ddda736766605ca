"""Completion of names in a shell: quick, so nothing that measures is imported."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tokbench._shared.bundled_files import MANIFEST, list_bundled
from tokbench.cli._settings import find_corpus
from tokbench.errors import TokbenchError

DEFAULT_CORPUS = "tokbench14"

METRICS = (
    *(
        "tokens_per_segment",
        "tokens_per_segment_with_special",
        "bytes_per_token",
        "chars_per_token",
        "tokens_per_char",
        "fertility",
        "continued_words",
    ),
    *("nsl", "bits_per_byte_coded", "effective_context", "effective_context_reference", "premium", "utf8_premium"),
    *("tokenizer_premium", "unk_rate", "unk_char_rate", "byte_fallback_rate", "round_trip_exact", "round_trip_nfc"),
    *("round_trip_whitespace", "word_ends_inside", "graphemes_split", "clusters_split", "characters_split"),
    *("characters_split_2", "characters_split_3", "characters_split_4", "tokens_crossing", "tokens_over_words"),
    *("digits_f1", "digits_entropy", "digits_entropy_2", "digits_entropy_3", "digits_entropy_4"),
    *("tokens_per_digit", "operators_isolated", "compounds_kept", "premium_median", "premium_worst"),
    *("gini", "gini_normalised", "premium_worst_five", "length_spread", "entropy", "entropy_miller_madow"),
    *("entropy_at_10k", "entropy_at_100k", "bits_per_byte_entropy", "renyi_efficiency", "renyi_efficiency_observed"),
    *("utilisation", "utilisation_at_10k", "utilisation_at_100k", "type_token_ratio", "token_bytes_p50"),
    *("token_bytes_p90", "token_bytes_p99", "token_bytes_max", "token_chars_p50", "token_chars_p90"),
    *("token_chars_p99", "token_chars_max", "percentile_frequency", "mean_rank", "zipf_slope", "zipf_deviation"),
    *("zipf_area", "strr_bare", "strr_spaced", "vocab_base", "vocab_total", "vocab_rows", "throughput"),
)
"""The built-in metrics, as in `tokbench.metrics`, which takes too long to import while someone types."""

_PACKAGE = Path(__file__).parents[1]
_START = 65_536  # bytes of a table that are read to find its languages
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_TABLES = frozenset({".tsv", ".csv", ".txt"})

Complete = Callable[[Any, str], Iterable[str]]
"""Returns all names, of which typer shows those that begin as what is typed: context, what is typed."""


def complete(find: Complete, *, several: bool = False) -> Callable[[Any, list[str], str], list[str]]:
    """Return a function that completes names for typer.

    several: whether names may follow each other with commas.
    """

    def propose(ctx: Any, args: list[str], incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",") if several else ("", "", incomplete)
        try:
            found = list(find(ctx, last))
        except (TokbenchError, OSError, ValueError):  # nobody reads an error while typing
            return []
        return [f"{before}{comma}{name}" for name in found if name not in before.split(",")]

    return propose


def list_tokenizers(ctx: Any, typed: str) -> list[str]:
    """Return the names of the catalogue and of the sets in configuration files."""
    from tokbench._shared.configuration import load_configuration
    from tokbench.catalog.entries import CATALOG
    from tokbench.catalog.sets import list_sets

    return [*CATALOG, *(f"@{name}" for name in dict.fromkeys([*list_sets(), *load_configuration().sets]))]


def list_metrics(ctx: Any, typed: str) -> list[str]:
    """Return the names of metrics, of other packages too."""
    return [*METRICS, *list_added("metrics")]


def list_corpora(ctx: Any, typed: str) -> list[str]:
    """Return the names of the bundled and of the public corpora; the shell itself completes files."""
    import tomllib

    public = tomllib.loads((_PACKAGE / "corpora" / "public.toml").read_text(encoding="utf-8"))
    named = [(name, part["name"]) for name, corpus in public.items() for part in corpus["part"]]
    return [*list_bundled(), *(f"{name}/{part}" if part else name for name, part in named)]


def list_languages(ctx: Any, typed: str) -> list[str]:
    """Return the languages of the chosen corpus: from its manifest, its file names or its first line."""
    chosen = ctx.params.get("corpus") or find_corpus(ctx)
    name = chosen[0] if isinstance(chosen, list | tuple) else chosen or DEFAULT_CORPUS
    path = list_bundled().get(name) or Path(name.partition(":")[0]).expanduser()
    return sorted(dict.fromkeys(find_languages(path)))


def find_languages(path: Path) -> Iterator[str]:
    """Yield what look like languages in a corpus, without reading it whole."""
    if (path / MANIFEST).is_file():
        import tomllib

        document = tomllib.loads((path / MANIFEST).read_text(encoding="utf-8"))
        yield from (language["tag"] for language in document["language"])
    elif path.is_dir():
        stems = (file.name.partition(".")[0] for file in path.iterdir() if file.is_file())
        yield from (stem for stem in stems if _TAG.fullmatch(stem))
    elif path.is_file() and path.suffix.lower() in {*_TABLES, ".jsonl"}:
        with path.open("rb") as stream:
            line = stream.readline(_START).decode("utf-8-sig", errors="replace").strip()
        fields = json.loads(line) if path.suffix == ".jsonl" else re.split(r"[\t,;]", line.replace('"', ""))
        yield from (field for field in fields if _TAG.fullmatch(field))


def list_modules(folder: str, *more: str) -> Callable[[Any, str], list[str]]:
    """Return a function that lists the modules of a registry, by its folder, and those of other packages."""

    def find(ctx: Any, typed: str) -> list[str]:
        from pkgutil import iter_modules

        path = str(_PACKAGE.joinpath(*folder.split(".")))
        own = sorted(one.name for one in iter_modules([path]) if not (one.ispkg or one.name.startswith("_")))
        return [*more, *own, *list_added(folder)]

    return find


def list_added(folder: str) -> list[str]:
    """Return what other packages add to a registry."""
    from importlib.metadata import entry_points

    return [point.name for point in entry_points(group=f"tokbench.{folder}")]


def list_models(ctx: Any, typed: str) -> list[str]:
    """Return the names of the Pythia models."""
    from tokbench.pythia.model.models import models

    return [model.name for model in models()]


_TOKENIZERS = complete(list_tokenizers)
_MODELS = complete(list_models)

COMPLETIONS: dict[str, Callable[[Any, list[str], str], list[str]]] = {
    **dict.fromkeys(
        ("tokenizers", "tokenizer", "baseline", "a", "b", "arguments", "names", "reference_tokenizer", "moved"),
        _TOKENIZERS,
    ),
    **dict.fromkeys(("metrics", "tests"), complete(list_metrics, several=True)),
    "metric": complete(list_metrics),
    "languages": complete(list_languages, several=True),
    **dict.fromkeys(("language", "reference"), complete(list_languages)),
    **dict.fromkeys(("corpus", "corpora"), complete(list_corpora)),
    "output_format": complete(list_modules("report")),
    "engine": complete(list_modules("adapters", "auto", "reference", "all"), several=True),
    "backend": complete(list_modules("pythia.backends", "analytic"), several=True),
    "verify": complete(list_modules("pythia.backends")),
    **dict.fromkeys(("model", "checkpoint", "checkpoints", "name"), _MODELS),
}
"""How the values of parameters are completed, by the names of these."""
