"""Text rules of ChatGLM-6B's tokenizer class.

Its SentencePiece file does not contain them.
Line feeds, tabs and runs of spaces become pieces of the vocabulary before encoding, and text again after
decoding. Source: the tokenizer class in the model's repository (THUDM/chatglm-6b).
"""

from __future__ import annotations

import re

_LONGEST_BLANK = 80
_BLANKS = re.compile(f" {{2,{_LONGEST_BLANK}}}")
_BLANK_PIECES = re.compile(r"<\|blank_(\d+)\|>")


def substitute_chatglm(text: str) -> str:
    r"""Rewrite a text as ChatGLM-6B passes it to SentencePiece.

    >>> substitute_chatglm("a\n   b\t")
    'a<n><|blank_3|>b<|tab|>'
    """
    text = text.replace("\n", "<n>").replace("\t", "<|tab|>")
    return _BLANKS.sub(lambda run: f"<|blank_{len(run[0])}|>", text)


def restore_chatglm(text: str) -> str:
    """Invert `substitute_chatglm` on decoded text."""
    if "<" not in text:
        return text
    text = text.replace("<n>", "\n").replace("<|tab|>", "\t")
    return _BLANK_PIECES.sub(lambda piece: " " * int(piece[1]), text)
