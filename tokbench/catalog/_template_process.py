"""The process that renders chat templates: `python -m tokbench.catalog._template_process`.

It reads a template with conversations from standard input, and writes the texts, or the reason of a failure, as JSON.
The environment of the template is that of the library `transformers`: white space is trimmed around blocks, loops can
be left early, and `raise_exception`, `strftime_now` and an unescaped `tojson` are defined. The date is always the same.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any, NoReturn

from tokbench._shared.child import limit_memory, limit_seconds
from tokbench.catalog.chat_templates import LARGEST, MEMORY

TODAY = datetime(2024, 7, 26, tzinfo=UTC)
"""The date that templates see, so that the tokens do not depend on the day."""

_SHOWN = 200
_OF_TEMPLATES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What expressions of a template raise, besides its own errors."""


def build_environment() -> Any:
    """Build the sandbox: no attribute that leads to Python's internals, no change of what it is given."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = write_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = TODAY.strftime
    return environment


def write_json(value: Any, ensure_ascii: bool = False, indent: int | None = None) -> str:
    """Write JSON without escaping HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def refuse(reason: str) -> NoReturn:
    """Raise the error that a template asks for."""
    from jinja2.exceptions import TemplateError

    raise TemplateError(str(reason))


def render(template: str, tokens: dict[str, str], conversations: list[list[dict[str, str]]]) -> list[str]:
    """Render each conversation, up to `LARGEST` characters in all."""
    from jinja2.exceptions import TemplateError

    compiled = build_environment().from_string(template)
    texts: list[str] = []
    size = 0
    for messages in conversations:
        parts: list[str] = []
        for part in compiled.generate(
            messages=messages, add_generation_prompt=False, tools=None, documents=None, **tokens
        ):
            size += len(part)
            if size > LARGEST:
                raise TemplateError(f"it writes more than {LARGEST:,} characters")
            parts.append(part)
        texts.append("".join(parts))
    return texts


def main() -> None:
    """Answer one request; a template that raises anything is reported, since it is not our code."""
    from jinja2.exceptions import TemplateError

    limit_memory(MEMORY)
    request = json.load(sys.stdin.buffer)
    limit_seconds(request["seconds"])
    answer: dict[str, Any]
    try:
        answer = {"texts": render(request["template"], request["tokens"], request["conversations"])}
    except (
        TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        answer = {"error": reason[:_SHOWN]}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
