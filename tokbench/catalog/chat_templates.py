"""Render chat templates, which are programs of a repository: in a sandbox, in a process with limits."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tokbench._shared.child import describe_end, environment_of_child
from tokbench._shared.extras import check_extras
from tokbench.errors import TokbenchError

SECONDS = 10
"""CPU seconds for all conversations of a tokenizer."""
MEMORY = 1 << 30
LARGEST = 1 << 24
"""Characters of all rendered conversations."""

_PATIENCE = 60
"""Elapsed seconds allowed beyond the CPU seconds, for a machine that has other work."""
_HINT = "give another template by --chat-template, or leave the chat out by --no-chat"


def render_conversations(
    template: str, tokens: Mapping[str, str], conversations: Sequence[Sequence[Mapping[str, str]]], source: str
) -> list[str]:
    """Render a template once per conversation.

    tokens: variables with the texts of special tokens.
    source: the file that it comes from, for errors.

    Raises TokbenchError if the template fails, takes too long or writes too much, MissingExtraError without Jinja.
    """
    check_extras({"chat": "rendering a chat template"})
    request = json.dumps(
        {"template": template, "tokens": dict(tokens), "conversations": conversations, "seconds": SECONDS}
    )
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tokbench.catalog._template_process"],
            input=request.encode(),
            capture_output=True,
            env=environment_of_child(),
            timeout=SECONDS + _PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TokbenchError(f"{source} did not finish within {SECONDS + _PATIENCE} s", _HINT) from error
    if done.returncode == -getattr(signal, "SIGXCPU", 0) and done.returncode:
        raise TokbenchError(f"{source} did not finish within {SECONDS} s of CPU time", _HINT)
    if done.returncode:
        reason = describe_end(done.returncode, done.stderr.decode(errors="replace"), MEMORY)
        raise TokbenchError(f"{source} cannot be rendered: {reason}", _HINT)
    answer: dict[str, Any] = json.loads(done.stdout)
    if "error" in answer:
        raise TokbenchError(f"{source} cannot be rendered: {answer['error']}", _HINT)
    texts: list[str] = answer["texts"]
    return texts
