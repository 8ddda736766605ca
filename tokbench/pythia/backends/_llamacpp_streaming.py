"""Several requests to llama.cpp's server at once, each reported token by token."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tokbench.catalog.gguf_header import read_header
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import Ids, OnToken

CERTAIN = 1e9
"""The bias of a token that each step is made to yield."""

_NORMAL = 1
"""The type of a token that is text, in a GGUF file."""


def find_whole_character(path: Path) -> int:
    """Return the first id of a GGUF file's vocabulary that is a letter or a word of ASCII.

    llama.cpp holds back a token that ends within a character, and shows none of a special one.

    Raises TokbenchError if there is none.
    """
    fields = read_header(path).fields
    tokens = fields.get("tokenizer.ggml.tokens")
    types = fields.get("tokenizer.ggml.token_type")
    if isinstance(tokens, list):
        for number, token in enumerate(tokens):
            if token.isascii() and token.isalpha() and (types is None or types[number] == _NORMAL):
                return number
    raise TokbenchError(f"{path} has no vocabulary in which a token is a word", "convert it again, with its tokenizer")


def stream_answers(server: Any, prompts: Sequence[Ids], new_tokens: int, on_token: OnToken, forced: int) -> None:
    """Send all prompts at once, and report each new token with the index of its prompt.

    forced: the id that each step is made to yield (see `find_whole_character`).

    Raises TokbenchError if the server refuses a request.
    """

    def follow(number: int) -> dict[str, Any]:
        last: dict[str, Any] = {}

        def report(chunk: dict[str, Any]) -> bool:
            last.update(chunk)
            if "error" not in chunk and chunk["choices"][0]["finish_reason"] is None:
                on_token(number)
            return False

        request = {
            "prompt": list(prompts[number]),
            "n_predict": new_tokens,
            "samplers": ["top_k"],
            "top_k": 1,
            "ignore_eos": True,
            "cache_prompt": False,
            "logit_bias": [[forced, CERTAIN]],
            "stream": True,
        }
        server.handle_completions(request, report)
        return last

    with ThreadPoolExecutor(len(prompts)) as pool:
        for last in pool.map(follow, range(len(prompts))):
            if "error" in last:
                message = f"llama.cpp: {last['error']['message']}"
                raise TokbenchError(message, "shorten the prompt, or load with more context")
