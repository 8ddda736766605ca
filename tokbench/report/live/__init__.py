"""A local page that shows how tokenizers split a text.

It is served to this machine only.

No text is stored or sent elsewhere.
"""

from __future__ import annotations

from tokbench.report.live._app import make_app
from tokbench.report.live._choice import choose
from tokbench.report.live._listing import Listed, Reply, Wanted
from tokbench.report.live._server import serve
from tokbench.report.live._uploads import Uploads
from tokbench.report.live._worker import Worker

__all__ = ["Listed", "Reply", "Uploads", "Wanted", "Worker", "choose", "make_app", "serve"]
