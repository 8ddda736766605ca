"""A local page that shows how tokenizers split a text.

It is served to this machine only.

Nothing is stored or sent elsewhere.
"""

from __future__ import annotations

from tokbench.report.live._app import make_app, serve
from tokbench.report.live._encoding import Encoded, Question, Refused, answer
from tokbench.report.live._worker import Served, Worker, respond

__all__ = ["Encoded", "Question", "Refused", "Served", "Worker", "answer", "make_app", "respond", "serve"]
