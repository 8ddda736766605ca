"""Several requests to llama.cpp's server at once, each reported token by token."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tokbench.errors import TokbenchError
from tokbench.pythia.backends import Ids, OnToken

_WHOLE_CHARACTER, _CERTAIN = 34, 1e9
"""The id that each step is made to yield, and the bias for it: a token that is part of a character is held back."""


def stream_answers(server: Any, prompts: Sequence[Ids], new_tokens: int, on_token: OnToken) -> None:
    """Send all prompts at once, and report each new token with the index of its prompt.

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
            "logit_bias": [[_WHOLE_CHARACTER, _CERTAIN]],
            "stream": True,
        }
        server.handle_completions(request, report)
        return last

    with ThreadPoolExecutor(len(prompts)) as pool:
        for last in pool.map(follow, range(len(prompts))):
            if "error" in last:
                message = f"llama.cpp: {last['error']['message']}"
                raise TokbenchError(message, "shorten the prompt, or load with more context")
