"""Write a conversation as the text that a tokenizer encodes."""

from __future__ import annotations

from functools import lru_cache

from tokbench.adapters import Tokenizer
from tokbench.analysis.requests import find_template
from tokbench.catalog.chat_templates import render_conversations
from tokbench.errors import TokbenchError
from tokbench.report.live._question import Message, Question


def write_text(tokenizer: Tokenizer, question: Question) -> str:
    """Return the text of a question, or its messages by a chat template.

    Raises TokbenchError if the tokenizer's files have no template, or if it cannot be rendered.
    """
    if not question.messages:
        return question.text
    if question.template == "chatml":
        return "".join(f"<|im_start|>{one.role}\n{one.content}<|im_end|>\n" for one in question.messages)
    template = find_template(tokenizer)
    if template is None:
        raise TokbenchError("its files contain no chat template", "choose ChatML to see the messages anyway")
    return _render(template.text, tuple(sorted(template.tokens.items())), question.messages, template.source)


@lru_cache(maxsize=64)
def _render(template: str, tokens: tuple[tuple[str, str], ...], messages: tuple[Message, ...], source: str) -> str:
    conversation = [{"role": one.role, "content": one.content} for one in messages]
    return render_conversations(template, dict(tokens), [conversation], source)[0]
