"""Files of a folder by HTTP and as a bucket of S3, for readers that ask for ranges and lists."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_DATE = "2025-10-21T07:28:00.000Z"


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve the files of a folder; yield the address, which is also an endpoint of S3 with any bucket."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            if "list-type" in split.query:
                self._answer(200, _list(folder, parse_qs(split.query).get("prefix", [""])[0]))
                return
            name = split.path.lstrip("/").removeprefix("bucket/")
            if not (folder / name).is_file():
                self._answer(404, b"")
                return
            data = (folder / name).read_bytes()
            asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
            if asked is None:
                self._answer(200, data)
                return
            start = int(asked[1]) if asked[1] else max(0, len(data) - int(asked[2]))
            stop = min(int(asked[2]) + 1, len(data)) if asked[1] and asked[2] else len(data)
            self._answer(206, data[start:stop], f"bytes {start}-{stop - 1}/{len(data)}")

        def _answer(self, status: int, content: bytes, content_range: str | None = None) -> None:
            self.send_response(status)
            if content_range is not None:
                self.send_header("Content-Range", content_range)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Tue, 21 Oct 2025 07:28:00 GMT")
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _list(folder: Path, prefix: str) -> bytes:
    files = [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in sorted(folder.rglob("*"))]
    entries = "".join(
        f"<Contents><Key>{name}</Key><LastModified>{_DATE}</LastModified><ETag>1</ETag><Size>{size}</Size></Contents>"
        for name, size in files
        if name.startswith(prefix) and (folder / name).is_file()
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()
