"""Costs of a GPT-NeoX model, from its shape alone.

Parameters, FLOPs, key-value cache.

Letters in formulas: L layers, d width, V vocabulary rows, S tokens of a prompt, s tokens attended to. A multiplication
and its addition are two FLOPs; norms, softmax, activations and rotary positions are not counted. Numbers are exact
integers unless stated otherwise, and every function takes the shape as it is: `pad_vocabulary` pads a vocabulary.
"""

from __future__ import annotations

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture

TRAINING_FACTOR = 3
"""FLOPs of a training step over those of its forward pass: the backward pass costs twice as much as the forward."""

VOCABULARY_MULTIPLE = 128
"""Pythia's vocabularies are padded to a multiple of this times the model-parallel size of training."""


def parameters(architecture: Architecture) -> int:
    """Count all parameters: 12 L d^2 + 13 L d + 2 d + 2 d V."""
    return non_embedding_parameters(architecture) + embedding_parameters(architecture)


def non_embedding_parameters(architecture: Architecture) -> int:
    """Count the parameters of the layers and the final norm: 12 L d^2 + 13 L d + 2 d."""
    layers, width = architecture.layers, architecture.width
    return 12 * layers * width**2 + 13 * layers * width + 2 * width


def embedding_parameters(architecture: Architecture) -> int:
    """Count the parameters of embedding and unembedding together: 2 d V."""
    return 2 * architecture.width * architecture.vocab_rows


def matrix_flops(architecture: Architecture) -> int:
    """Count the FLOPs of one token in the matrices of all layers: 24 L d^2."""
    return 24 * architecture.layers * architecture.width**2


def logits_flops(architecture: Architecture) -> int:
    """Count the FLOPs of the logits after one token: 2 d V."""
    return 2 * architecture.width * architecture.vocab_rows


def attention_flops(architecture: Architecture, context: int) -> int:
    """Count the FLOPs of one token attending to `context` tokens: 4 L d s.

    The token itself is one of them.
    """
    return 4 * architecture.layers * architecture.width * _count(context, "tokens attended to")


def prompt_attention_flops(architecture: Architecture, tokens: int) -> int:
    """Count the FLOPs of causal attention within a prompt: 2 L d S (S + 1).

    The sum of `attention_flops` over its tokens.
    """
    _count(tokens, "tokens of a prompt")
    return 2 * architecture.layers * architecture.width * tokens * (tokens + 1)


def prefill_flops(architecture: Architecture, tokens: int) -> int:
    """Count the FLOPs of reading a prompt when serving.

    With logits after its last token only.

    24 L d^2 S + 2 L d S (S + 1) + 2 d V; nothing for an empty prompt.
    """
    return _prompt_flops(architecture, tokens, min(tokens, 1))


def scoring_flops(architecture: Architecture, tokens: int) -> int:
    """Count the FLOPs of scoring a text, with logits after each token.

    24 L d^2 S + 2 L d S (S + 1) + 2 d V S.
    """
    return _prompt_flops(architecture, tokens, tokens)


def _prompt_flops(architecture: Architecture, tokens: int, logits: int) -> int:
    attention = prompt_attention_flops(architecture, tokens)
    return matrix_flops(architecture) * tokens + attention + logits_flops(architecture) * logits


def decode_flops(architecture: Architecture, context: int) -> int:
    """Count the FLOPs of one decoding step: 24 L d^2 + 4 L d s + 2 d V.

    context: tokens attended to, including the new one.
    """
    return matrix_flops(architecture) + attention_flops(architecture, context) + logits_flops(architecture)


def generation_flops(architecture: Architecture, prompt: int, new_tokens: int) -> int:
    """Count the FLOPs of decoding `new_tokens` after a prefill.

    The first new token comes from the logits of the prefill, so there are n - 1 steps, at contexts S + 1 to S + n - 1:
    (n - 1) (24 L d^2 + 2 d V) + 2 L d (n - 1) (2 S + n). Nothing for at most one token.
    """
    steps = max(_count(new_tokens, "new tokens") - 1, 0)
    per_step = matrix_flops(architecture) + logits_flops(architecture)
    contexts = 2 * _count(prompt, "tokens of a prompt") + steps + 1
    return steps * per_step + 2 * architecture.layers * architecture.width * steps * contexts


def request_flops(architecture: Architecture, prompt: int, new_tokens: int) -> int:
    """Count the FLOPs of a whole request: prefill and decoding."""
    return prefill_flops(architecture, prompt) + generation_flops(architecture, prompt, new_tokens)


def flops_per_token(architecture: Architecture, sequence: int = 2048) -> float:
    """Return mean forward FLOPs per token when scoring a sequence.

    F(S) = 24 L d^2 + 2 L d (S + 1) + 2 d V.
    """
    _at_least_one(sequence, "tokens of a sequence")
    return scoring_flops(architecture, sequence) / sequence


def training_flops(architecture: Architecture, tokens: float, sequence: int = 2048) -> float:
    """Return the FLOPs of training on `tokens`: 3 F(S) tokens.

    In sequences of S tokens.

    The factor 3 includes the unembedding.
    """
    return TRAINING_FACTOR * flops_per_token(architecture, sequence) * tokens


def training_flops_of_text(
    architecture: Architecture, text_bytes: float, bytes_per_token: float, sequence: int = 2048
) -> float:
    """Return the FLOPs of training once on a text: 3 F(S) b / bytes per token.

    text_bytes: b, UTF-8 bytes.

    Raises TokbenchError unless bytes per token are above 0.
    """
    if not bytes_per_token > 0:
        raise TokbenchError(f"bytes per token must be above 0, not {bytes_per_token}")
    return training_flops(architecture, text_bytes / bytes_per_token, sequence)


def logits_share(architecture: Architecture, sequence: int = 2048) -> float:
    """Return the logits' share of the FLOPs of scoring S tokens: 2 d V / F(S), 0 to 1."""
    return logits_flops(architecture) / flops_per_token(architecture, sequence)


def kv_cache_bytes(architecture: Architecture, tokens: int, bytes_per_value: int = 2) -> int:
    """Count the bytes of keys and values in all layers.

    2 L d s times the bytes per value.
    """
    return 2 * architecture.layers * architecture.width * _count(tokens, "cached tokens") * bytes_per_value


def break_even_nsl(architecture: Architecture, vocab_rows: int) -> float:
    """Return the NSL below which another vocabulary needs fewer FLOPs.

    Forward FLOPs per text, on the same layers.

    (24 L d^2 + 2 d V) / (24 L d^2 + 2 d V'), with V' = `vocab_rows` as given. NSL is tokens under the other vocabulary
    over tokens under this one. Attention to earlier tokens is excluded; it would favour the shorter text.
    """
    _at_least_one(vocab_rows, "rows of a vocabulary")
    matrices = matrix_flops(architecture)
    return (matrices + logits_flops(architecture)) / (matrices + 2 * architecture.width * vocab_rows)


def pad_vocabulary(tokens: int, multiple: int = VOCABULARY_MULTIPLE) -> int:
    """Return the embedding rows for a vocabulary whose highest id is `tokens` - 1.

    The next multiple of `multiple`, as in GPT-NeoX training: 128 times the model-parallel size. With sizes 1, 2 (6.9B)
    and 4 (12B), the 50,277 tokens of GPT-NeoX-20B's tokenizer give exactly the 50,304, 50,432 and 50,688 rows of the
    Pythia models.
    """
    _at_least_one(tokens, "tokens of a vocabulary")
    _at_least_one(multiple, "the multiple of a padding")
    return -(-tokens // multiple) * multiple


def _count(value: int, what: str) -> int:
    if value < 0:
        raise TokbenchError(f"{what}: {value} is below 0")
    return value


def _at_least_one(value: int, what: str) -> None:
    if value < 1:
        raise TokbenchError(f"{what}: {value} is below 1")
