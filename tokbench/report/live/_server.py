"""The server of the local page, for this machine only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.report.live._connections import MOST, make_protocol

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

HOST = "127.0.0.1"


def load_framework() -> None:
    """Check that the web framework and its server are installed.

    Raises MissingExtraError if not.
    """
    for library in ("starlette", "uvicorn"):
        try:
            __import__(library)
        except ImportError as error:
            raise MissingExtraError(library, "view", "the local page") from error


def configure(app: Starlette, port: int) -> uvicorn.Config:
    """Return the settings of the server: this machine only, silent, and not waiting for silent clients."""
    import uvicorn

    return uvicorn.Config(
        app,
        host=HOST,
        port=port,
        http=make_protocol(),
        backlog=MOST // 8,  # accepted at a time: more would reach the system's limit before any is closed
        log_level="critical",
        access_log=False,
        lifespan="off",
    )


def serve(app: Starlette, port: int, announce: Callable[[str], None]) -> None:
    """Serve to this machine only, until interrupted.

    port: 0 for any free port; TokbenchError if the port is in use.
    announce: called with the address once it can be opened.
    """
    load_framework()
    import uvicorn

    class Announcing(uvicorn.Server):
        """A server that announces where it listens."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                announce(f"http://{HOST}:{self.servers[0].sockets[0].getsockname()[1]}/")

    server = Announcing(configure(app, port))
    try:
        server.run()
    except SystemExit as error:
        if server.started:  # a signal, which uvicorn raises again once it has closed
            raise
        raise TokbenchError(f"cannot listen on port {port} of {HOST}", "choose another with --port") from error
