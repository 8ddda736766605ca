"""From a corpus argument to a corpus: which file, which reader, which options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokbench.corpora._parallel import ParallelCorpus, build_corpus
from tokbench.corpora._raw import CorpusReader
from tokbench.errors import TokbenchError
from tokbench.registry import Registry, closest

DEFAULT_CORPUS = "tokbench14"
READERS: Registry[CorpusReader] = Registry("tokbench.corpora", "corpus reader")
"""The corpus readers by name: this package's public modules, and the entry points of the group `tokbench.corpora`."""


def load_corpus(
    spec: str | Path | None = None, *, languages: Sequence[str] | None = None, segments: int | None = None
) -> ParallelCorpus:
    """Read a parallel corpus: our own one by default, else the one that `spec` says.

    `spec` is the name of an own corpus (`tokbench14`), a path, or `PATH:key=value,...`; a `Path` is taken as it is. The
    option `format` names the reader; tables take `LANG=COLUMN`, `document=COLUMN` and `header=yes|no`
    (`cmn.txt:en=1,zh=2`), folders `LANG=FILE`. `languages` are read in this order, and where a language is a file no
    other is opened. Of the segments that have a text in all of them the first `segments` are kept.

    TokbenchError for what is not there, not aligned, not UTF-8 or empty.

    >>> load_corpus("tokbench14", languages=["en", "zh"], segments=100).n
    100
    """
    try:
        path, options = _locate(DEFAULT_CORPUS if spec is None else spec)
        name = options.pop("format", None) or _reader_for(path)
    except OSError as error:
        raise TokbenchError(
            f"the corpus {str(spec)[:80]!r} cannot be looked up: {error.strerror}", "check the path"
        ) from error
    raw = READERS[name].read(path, options, languages)
    corpus = build_corpus(raw, name, str(path))
    return corpus if segments is None else corpus.select(segments=segments)


def _locate(spec: str | Path) -> tuple[Path, dict[str, str]]:
    """The path and the options of a corpus argument."""
    from tokbench.corpora.own import own_corpora

    if isinstance(spec, Path):
        return spec, {}
    if not spec.strip():
        raise TokbenchError("the corpus argument is empty", "give a name or a path, or leave it out for our own")
    own = own_corpora()
    if spec in own:
        return own[spec], {}
    if Path(spec).exists():
        return Path(spec), {}
    place, options = split_spec(spec)
    return own.get(place, Path(place)), options


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """A corpus argument as (path, options): what follows the last colon are options if there is an = in it."""
    place, colon, tail = spec.rpartition(":")
    drive = len(place) == 1 and tail.startswith(("\\", "/"))
    if not colon or "=" not in tail or drive:
        return spec, {}
    options: dict[str, str] = {}
    for pair in tail.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise TokbenchError(f"{pair!r} in the corpus {spec!r} is no key=value", "write PATH:key=value,key=value")
        if key in options:
            raise TokbenchError(f"the corpus {spec!r} gives {key} twice")
        options[key] = value
    return place, options


def _reader_for(path: Path) -> str:
    """The name of the one reader that claims what lies at `path`."""
    claiming = [name for name, reader in READERS.items() if reader.claims(path)]
    if len(claiming) == 1:
        return claiming[0]
    if claiming:
        raise TokbenchError(f"{path} may be read as {' or '.join(claiming)}", f"say which: {path}:format={claiming[0]}")
    if path.exists():
        raise TokbenchError(
            f"no reader knows what {path} is", f"say which: {path}:format=NAME with {', '.join(READERS)}"
        )
    raise _nothing_at(path)


def _nothing_at(path: Path) -> TokbenchError:
    from tokbench.corpora.own import own_corpora

    own = list(own_corpora())
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    near = closest(path.name, own + beside)
    if near is None:
        hint = f"give a path, or one of our own: {', '.join(own) or 'none is installed'}"
    else:
        hint = f"did you mean {near if near in own else str(path.parent / near)!r}?"
    return TokbenchError(f"there is no corpus {str(path)!r}", hint)
