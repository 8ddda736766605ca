"""What every request must have, and every answer has: no other site reads or changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Pass on the requests of the page itself, and add `HEADERS` to every answer.

    hosts: names by which this server may be called; others could be made to resolve to this machine (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        from starlette.datastructures import Headers
        from starlette.responses import PlainTextResponse

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        if scope["type"] != "http":
            return
        fault = self.refuse(Headers(scope=scope), scope["path"])
        app = self.app if fault is None else PlainTextResponse(fault[1], fault[0])
        await app(scope, receive, send_with_headers)

    def refuse(self, headers: Headers, path: str) -> tuple[int, str] | None:
        """Return the status and reason if a request is none of the page."""
        host = headers.get("host", "")
        if host.partition(":")[0] not in self.hosts:
            return 400, "this server answers to its own address only"
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        # The page itself may be opened from a link of another site.
        foreign = path.startswith("/api/") and site not in ("none", "same-origin")
        if foreign or (origin is not None and origin != f"http://{host}"):
            return 403, "this server answers to its own page only"
        return None
