"""Connections to the local page, none of which lasts without progress."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tokbench.report.live import _requests

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 200
"""Maximum number of connections: systems allow 256 open files, or more."""
LEAST_TAKEN = 100_000
"""Bytes of a reply that a client must take between two looks."""


def make_protocol() -> type[H11Protocol]:
    """Return the protocol of a connection that is closed unless it asks, and takes its replies, soon."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        """A connection that is looked at every few seconds while no request is being answered."""

        looking: asyncio.TimerHandle | None = None
        since = 0.0
        seen: tuple[Any, int] = None, 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.since = self.loop.time()
            self.look_later()
            if len(self.connections) > MOST:
                # The oldest that has asked for nothing yet; without one, this one.
                others = [one for one in self.connections if isinstance(one, Impatient) and one is not self]
                silent = [one for one in others if one.cycle is None]
                one = min(silent, key=lambda other: other.since, default=self)
                one.transport.abort()
                self.connections.discard(one)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.looking is not None:
                self.looking.cancel()

        def look_later(self) -> None:
            left = self.transport.get_write_buffer_size()
            self.seen = self.cycle, left
            self.looking = self.loop.call_later(_requests.BODY_SECONDS, self.look)

        def look(self) -> None:
            """Close the connection if it has neither asked nor taken much of a reply since the last look."""
            cycle, before = self.seen
            answering = self.cycle is not None and not self.cycle.response_complete
            left = self.transport.get_write_buffer_size()
            if answering or self.cycle is not cycle or 0 < left <= before - LEAST_TAKEN:
                self.look_later()
            else:
                self.transport.abort()

    return Impatient
