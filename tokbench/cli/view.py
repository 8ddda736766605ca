"""`tokbench view`: a local page that shows how tokenizers split a text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench._shared.quantities import write_count
from tokbench.cli._echo import echo
from tokbench.cli._invocation import Invocation, running
from tokbench.cli._numbers import whole_option
from tokbench.cli._options import Offline, OptionalTokenizerNames

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer
    from tokbench.report.live import Listed, Wanted

AT_FIRST = 4
"""Number of tokenizers of the default set that are loaded if none is named."""


def run(
    tokenizers: OptionalTokenizerNames = None,
    port: Annotated[
        int, whole_option("--port", high=65_535, max=65_535, help="Port to listen on; 0 for any free port.")
    ] = 8765,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    offline: Offline = False,
) -> None:
    """Show in a browser how tokenizers split a text.

    The page shows tokens, ids, bytes, characters and differences of texts and chat messages, and adds and removes
    tokenizers: by name, by hub id, or from a file. By default, it starts with four of the default set.

    The page is served on 127.0.0.1 to this machine only, until Ctrl-C. No text leaves the machine; the page's address
    keeps the text and choices after the #, which browsers do not send.
    """
    from tokbench.report.live import Uploads, Worker, make_app, serve

    wanted, missing = choose_tokenizers(tokenizers, offline=offline)
    asked = running()
    uploads = Uploads()

    def tell(listed: Listed) -> None:
        uploads.note(listed)
        if listed.state == "failed" and not listed.upload:
            echo(f"tokbench: {listed.name}: {listed.fault}", err=True)

    worker = Worker(partial(load, quiet=asked.quiet, verbose=asked.verbose), wanted, tell=tell)
    try:
        app = make_app(worker, uploads, offline=offline)

        def announce(address: str) -> None:
            echo(f"{write_count(len(wanted), 'tokenizer')} on {address} (Ctrl-C to stop)")
            if missing:
                echo(f"not available: {', '.join(missing)}", err=True)
            if browser:
                typer.launch(address)

        serve(app, port, announce)
    finally:
        worker.close()
        uploads.close()


def choose_tokenizers(names: list[str] | None, *, offline: bool) -> tuple[list[Wanted], list[str]]:
    """Return the tokenizers to load, and the members of sets that are not available here.

    Raises TokbenchError for an unknown name, a name given twice, or a file that is no tokenizer.
    """
    from tokbench.catalog.sets import DEFAULT, SetMember, expand_sets
    from tokbench.errors import TokbenchError, UnavailableError

    wanted: dict[str, Wanted] = {}
    missing: list[str] = []
    for name in expand_sets(names or [DEFAULT]):
        if not names and len(wanted) == AT_FIRST:
            break
        of_set = isinstance(name, SetMember)
        try:
            one = find_tokenizer(name, online=not (offline or of_set))
        except UnavailableError:
            if not of_set:
                raise
            missing += [name] if names else []
            continue
        if one.name in wanted:
            raise TokbenchError(
                f"two of the tokenizers are called {one.name!r}",
                "name each once; if two files share a name, rename one",
            )
        wanted[one.name] = one
    return [*wanted.values()], missing


def find_tokenizer(name: str, *, online: bool) -> Wanted:
    """Check that a tokenizer is known and its files are here, or can be downloaded once the page is open.

    Raises UnavailableError if it must be downloaded and may not, TokbenchError if it is unknown or unusable.
    """
    from tokbench._shared.offline import is_offline
    from tokbench.catalog.entries import CATALOG, find_name
    from tokbench.catalog.locations import means_path
    from tokbench.catalog.sources import find, locate
    from tokbench.errors import UnavailableError
    from tokbench.report.live import Wanted, choose

    known = None if means_path(name) else find_name(name)
    if known is not None and locate(CATALOG[known]) is not None:  # its files are checked where it is loaded
        return Wanted(known, name)
    try:
        return Wanted(find(name, offline=True).name, name)
    except UnavailableError:
        if not online or is_offline():
            raise
        return Wanted(choose(name, online=True).name, name, online=True)


def load(wanted: Wanted, *, quiet: bool = False, verbose: int = 0) -> Tokenizer:
    """Load a tokenizer in the process of the page, which warns as this command does."""
    import warnings

    from tokbench.cli._warnings import show_warning
    from tokbench.report.live._loading import load as load_for_page

    warnings.showwarning = show_warning
    with Invocation(quiet=quiet, verbose=verbose).active():
        return load_for_page(wanted)
