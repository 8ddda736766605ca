"""The server of the local page, for this machine only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.report.live import _requests

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

HOST = "127.0.0.1"
MOST_CONNECTIONS = 100
"""Number of connections above which silent ones are closed: systems allow 256 open files, or more."""


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
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        """A connection that is closed unless it asks for something soon."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.loop.call_later(_requests.BODY_SECONDS, self.close_if_silent)
            if len(self.connections) > MOST_CONNECTIONS:
                for other in [*self.connections]:
                    if isinstance(other, Impatient) and other is not self:
                        other.close_if_silent()

        def close_if_silent(self) -> None:
            if self.cycle is None:
                self.transport.close()

    return uvicorn.Config(
        app,
        host=HOST,
        port=port,
        http=Impatient,
        backlog=MOST_CONNECTIONS // 2,  # accepted at a time: more would reach the system's limit before any is closed
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
