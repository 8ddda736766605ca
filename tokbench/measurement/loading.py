"""The tokenizers of a comparison: located before measuring, or skipped.

They are loaded while measuring starts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias, TypeVar, Union, cast

from tokbench._shared.environment import count_cores
from tokbench._shared.paths import expand_home
from tokbench._shared.threads import map_ordered
from tokbench.adapters import LibraryTokenizer, Tokenizer, adopt_tokenizer, find_asset
from tokbench.adapters.selection import AUTO, Sample, check_engine_name, load_engine
from tokbench.catalog.counting_apis import is_counting_model
from tokbench.catalog.entries import find_name, fold
from tokbench.catalog.locations import means_path
from tokbench.catalog.sets import DEFAULT, SetMember, expand_sets
from tokbench.catalog.sources import Asset
from tokbench.errors import EngineError, MissingExtraError, TokbenchError, UnavailableError
from tokbench.measurement._loading_budget import BUDGET, Budget, load_freeable

R = TypeVar("R")

TokenizerArgument: TypeAlias = Union[str, Path, Tokenizer, "LibraryTokenizer"]
"""A tokenizer, its name or path, or the name of a set of them."""

DEFAULT_TOKENIZERS = (DEFAULT,)
"""What is compared if no tokenizer is named: a set of today's, of which most come with tokbench."""


@dataclass(frozen=True)
class Skipped:
    """A tokenizer that is unavailable or cannot encode the corpus: reason and remedy."""

    name: str
    reason: str
    remedy: str | None


@dataclass(frozen=True)
class LoadRequest:
    """An available tokenizer: its name, its files, and itself if already loaded."""

    argument: str
    asset: Asset
    tokenizer: Tokenizer | None = None

    @property
    def name(self) -> str:
        """The label in tables."""
        return self.asset.name if self.tokenizer is None else self.tokenizer.name

    @property
    def size(self) -> int:
        """Total bytes of its files, an estimate of how long it takes to load."""
        return sum(file.stat().st_size for file in self.asset.files)


class Loading(Collection[Tokenizer]):
    """Tokenizers loading in background threads.

    Iterating yields each as soon as it is ready.
    Each iteration waits for those still loading; it raises the error of one that cannot be loaded, and TokbenchError if
    none is available.
    """

    def __init__(
        self,
        requests: Sequence[LoadRequest],
        skipped: list[Skipped],
        load: Callable[[LoadRequest], Tokenizer | None],
        arguments: Sequence[str],
        baseline: str | None,
        budget: Budget | None = None,
    ) -> None:
        self.budget = budget
        self.requests = requests
        self.baseline = baseline
        self.arguments = arguments
        self.skipped = skipped
        self._left_out: dict[str, EngineError] = {}
        self._pool = ThreadPoolExecutor(count_cores())
        # Smallest first: texts are encoded with them while the others load.
        ordered = sorted(requests, key=lambda request: request.size)
        self._futures = {request.name: self._pool.submit(load, request) for request in ordered}

    def __iter__(self) -> Iterator[Tokenizer]:
        ready = (future.result() for future in as_completed(self._futures.values()))
        any_loaded = False
        for tokenizer in ready:
            if tokenizer is not None:
                any_loaded = True
                yield tokenizer
        if not any_loaded:
            reasons = "; ".join(f"{s.name}: {s.reason}" for s in self.skipped) or "none was named"
            remedy = self.skipped[0].remedy if self.skipped else None
            raise TokbenchError(f"there is no tokenizer to compare ({reasons})", remedy)

    def __len__(self) -> int:
        return len(self._futures)

    def __contains__(self, item: object) -> bool:
        return any(item is tokenizer for tokenizer in self)

    def tell_ready(self, on_ready: Callable[[str], object]) -> None:
        """Call a function with the name of each tokenizer when it is ready, or found to be unusable."""
        for name, future in self._futures.items():
            future.add_done_callback(lambda _, name=name: on_ready(name))  # type: ignore[misc]

    def leave_out(self, error: EngineError) -> None:
        """Skip a tokenizer whose engine failed on a text.

        Raises the error if it is the baseline.
        """
        if error.tokenizer == self.baseline:
            raise error
        (argument,) = (one.argument for one in self.requests if one.name == error.tokenizer)
        self.skipped.append(Skipped(argument, error.fault, error.hint))
        self._left_out[error.tokenizer] = error

    def try_with(self, measure: Callable[[list[Tokenizer]], R]) -> tuple[list[Tokenizer], R]:
        """Return the remaining tokenizers and `measure` of them, skipping failures."""
        while True:
            left = self.finish()
            try:
                return left, measure(left)
            except EngineError as error:
                if error.tokenizer in self._left_out:
                    raise
                self.leave_out(error)

    def finish(self) -> list[Tokenizer]:
        """Return the loaded tokenizers that were not left out, in the order given.

        `skipped` is then in that order too.
        Raises EngineError if all loaded tokenizers were left out.
        """
        loaded = {tokenizer.name: tokenizer for tokenizer in self if tokenizer.name not in self._left_out}
        if not loaded:
            raise next(iter(self._left_out.values()))
        # Threads discover what is missing in any order; equal input must give equal output.
        self.skipped.sort(key=lambda skipped: self.arguments.index(skipped.name))
        return [loaded[request.name] for request in self.requests if request.name in loaded]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.budget is not None:
            self.budget.close()
        self._pool.shutdown(cancel_futures=True)


def start_loading(
    arguments: TokenizerArgument | Iterable[TokenizerArgument],
    sample: Sample,
    engine: str = AUTO,
    baseline: str | None = None,
    *,
    count: Callable[[str], Tokenizer] | None = None,
    skip_missing: bool = False,
    offline: bool = False,
    freeable: bool = False,
) -> Loading:
    """Locate the given tokenizers and start loading them; a single one needs no list.

    engine: as for `load_engine`, verified on `sample`.
    count: returns the counts of a closed model (`anthropic:MODEL`); without it, naming one is an error.
    skip_missing: list unavailable ones in `skipped`, instead of raising UnavailableError for the first, as always for
    members of sets; the `baseline` cannot be skipped.
    Raises TokbenchError for a name given twice and for an unusable file.
    """
    check_engine_name(engine)
    named = list_arguments(arguments)
    requests, skipped = resolve_requests(named, count, skip_missing=skip_missing, offline=offline)
    needed = None if baseline is None else find_baseline(baseline, requests)

    budget = Budget(BUDGET) if freeable else None

    def load(request: LoadRequest) -> Tokenizer | None:
        try:
            if request.tokenizer is not None:
                return request.tokenizer
            loading = partial(load_engine, request.asset, engine, sample)
            return loading() if budget is None else load_freeable(loading, request.size, budget)
        except MissingExtraError as error:
            if not (skip_missing or isinstance(request.argument, SetMember)) or request.name == needed:
                raise
            skipped.append(Skipped(request.argument, error.message, error.hint))
            return None
        except EngineError as error:  # of its files: a panic, an abort, a limit
            if request.name == needed:
                raise
            skipped.append(Skipped(request.argument, error.fault, error.hint))
            return None

    arguments_as_text = [str(one) if isinstance(one, str | Path) else one.name for one in named]
    return Loading(requests, skipped, load, arguments_as_text, needed, budget)


def list_arguments(arguments: TokenizerArgument | Iterable[TokenizerArgument]) -> list[str | Path | Tokenizer]:
    """Return the arguments as a list, with sets expanded and library objects converted to tokenizers."""
    several = isinstance(arguments, Iterable) and not isinstance(arguments, str)
    listed = cast("Iterable[TokenizerArgument]", arguments if several else [arguments])
    adopted = [one if isinstance(one, str | Path) else adopt_tokenizer(one) for one in listed]
    return expand_sets(adopted)


def resolve_requests(
    arguments: Sequence[str | Path | Tokenizer],
    count: Callable[[str], Tokenizer] | None = None,
    *,
    skip_missing: bool,
    offline: bool,
) -> tuple[list[LoadRequest], list[Skipped]]:
    """Return the tokenizers whose files are available, and those skipped.

    Raises TokbenchError for a name given twice.
    """

    def find(argument: str | Path | Tokenizer) -> LoadRequest | Skipped:
        if not isinstance(argument, str | Path):
            return LoadRequest(argument.name, argument.asset, argument)
        try:
            if count is not None and isinstance(argument, str) and is_counting_model(argument):
                counted = count(argument)
                return LoadRequest(argument, counted.asset, counted)
            name = argument if isinstance(argument, str) else str(argument)
            return LoadRequest(name, find_asset(argument, offline=offline))
        except UnavailableError as error:
            if not (skip_missing or isinstance(argument, SetMember)):
                raise
            return Skipped(str(argument), error.message, error.hint)

    results = list(map_ordered(find, arguments))
    requests = [one for one in results if isinstance(one, LoadRequest)]
    names = [request.name for request in requests]
    for name in names:
        if names.count(name) > 1:
            raise TokbenchError(
                f"two of the tokenizers are called {name!r}",
                "name each once; if two files share a name, rename one",
            )
    return requests, [one for one in results if isinstance(one, Skipped)]


def load_tokenizers(
    arguments: TokenizerArgument | Iterable[TokenizerArgument],
    sample: Sample,
    *,
    engine: str = AUTO,
    skip_missing: bool = False,
    offline: bool = False,
) -> tuple[list[Tokenizer], list[Skipped]]:
    """Load the given tokenizers.

    Return them and those skipped because they are not available (see `start_loading`).
    """
    with start_loading(arguments, sample, engine=engine, skip_missing=skip_missing, offline=offline) as loading:
        return loading.finish(), loading.skipped


def find_baseline(baseline: str, requests: Sequence[LoadRequest]) -> str:
    """Return the baseline's name, given as a name, an alias or a path.

    Raises TokbenchError if it is not among the tokenizers.
    """
    names = [request.name for request in requests]
    if baseline in names:
        return baseline
    if means_path(baseline):
        path = expand_home(baseline).resolve()
        meant = [c.name for c in requests for file in c.asset.files if path in (file.resolve(), file.resolve().parent)]
    else:
        meant = [name for name in names if fold(name) == fold(baseline) or find_name(baseline) == name]
    if not meant:
        raise TokbenchError(f"the baseline {baseline!r} is not among the tokenizers", "add it to those compared")
    return meant[0]
