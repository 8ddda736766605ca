"""What a GPT-NeoX model costs, from its shape alone: parameters, FLOPs, key-value cache.

Letters as in the formulas: L layers, d width, V rows of the vocabulary, S tokens of a prompt, s tokens attended to.
A multiplication and its addition are two FLOPs; norms, softmax, activations and rotary positions are left out.
The numbers are exact integers unless a function says otherwise, and every function takes the shape as it is: padding
of the vocabulary is `pad_vocabulary`.
"""

from __future__ import annotations

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture

TRAINING_FACTOR = 3
"""FLOPs of a training step over those of its forward pass: the backward pass costs twice the forward one."""

VOCABULARY_MULTIPLE = 128
"""Pythia's vocabularies are padded to a multiple of this times the model-parallel size of the training."""


def parameters(architecture: Architecture) -> int:
    """All parameters: 12 L d^2 + 13 L d + 2 d + 2 d V."""
    return non_embedding_parameters(architecture) + embedding_parameters(architecture)


def non_embedding_parameters(architecture: Architecture) -> int:
    """Parameters of the layers and of the final norm: 12 L d^2 + 13 L d + 2 d."""
    layers, width = architecture.layers, architecture.width
    return 12 * layers * width**2 + 13 * layers * width + 2 * width


def embedding_parameters(architecture: Architecture) -> int:
    """Parameters of the embedding and of the unembedding together: 2 d V."""
    return 2 * architecture.width * architecture.vocab_rows


def matrix_flops(architecture: Architecture) -> int:
    """FLOPs of one token in the matrices of all layers: 24 L d^2."""
    return 24 * architecture.layers * architecture.width**2


def logits_flops(architecture: Architecture) -> int:
    """FLOPs of the logits after one token: 2 d V."""
    return 2 * architecture.width * architecture.vocab_rows


def attention_flops(architecture: Architecture, context: int) -> int:
    """FLOPs of attending from one token to `context` tokens, itself among them: 4 L d s."""
    return 4 * architecture.layers * architecture.width * _count(context, "tokens attended to")


def prompt_attention_flops(architecture: Architecture, tokens: int) -> int:
    """FLOPs of causal attention within a prompt: 2 L d S (S + 1), the sum of `attention_flops` over its tokens."""
    _count(tokens, "tokens of a prompt")
    return 2 * architecture.layers * architecture.width * tokens * (tokens + 1)


def prefill_flops(architecture: Architecture, tokens: int) -> int:
    """FLOPs of reading a prompt when serving, with logits after its last token only.

    24 L d^2 S + 2 L d S (S + 1) + 2 d V; nothing for an empty prompt.
    """
    return _prompt_flops(architecture, tokens, min(tokens, 1))


def scoring_flops(architecture: Architecture, tokens: int) -> int:
    """FLOPs of reading a text to score it, with logits after each token: 24 L d^2 S + 2 L d S (S + 1) + 2 d V S."""
    return _prompt_flops(architecture, tokens, tokens)


def _prompt_flops(architecture: Architecture, tokens: int, logits: int) -> int:
    attention = prompt_attention_flops(architecture, tokens)
    return matrix_flops(architecture) * tokens + attention + logits_flops(architecture) * logits


def decode_flops(architecture: Architecture, context: int) -> int:
    """FLOPs of one decoding step, its token attending to `context` tokens with itself: 24 L d^2 + 4 L d s + 2 d V."""
    return matrix_flops(architecture) + attention_flops(architecture, context) + logits_flops(architecture)


def generation_flops(architecture: Architecture, prompt: int, new_tokens: int) -> int:
    """FLOPs of the decoding steps that generate `new_tokens` after a prompt that has been read.

    The first new token comes from the logits of the prefill, so there are n - 1 steps, at contexts S + 1 to S + n - 1:
    (n - 1) (24 L d^2 + 2 d V) + 2 L d (n - 1) (2 S + n). Nothing for one token or none.
    """
    steps = max(_count(new_tokens, "new tokens") - 1, 0)
    per_step = matrix_flops(architecture) + logits_flops(architecture)
    contexts = 2 * _count(prompt, "tokens of a prompt") + steps + 1
    return steps * per_step + 2 * architecture.layers * architecture.width * steps * contexts


def request_flops(architecture: Architecture, prompt: int, new_tokens: int) -> int:
    """FLOPs of a whole request: the prefill of the prompt and the steps that generate `new_tokens` after it."""
    return prefill_flops(architecture, prompt) + generation_flops(architecture, prompt, new_tokens)


def flops_per_token(architecture: Architecture, sequence: int = 2048) -> float:
    """Mean forward FLOPs of a token of a sequence that is scored: F(S) = 24 L d^2 + 2 L d (S + 1) + 2 d V."""
    _at_least_one(sequence, "tokens of a sequence")
    return scoring_flops(architecture, sequence) / sequence


def training_flops(architecture: Architecture, tokens: float, sequence: int = 2048) -> float:
    """FLOPs of training on `tokens` in sequences of S tokens: 3 F(S) tokens, the unembedding within the 3."""
    return TRAINING_FACTOR * flops_per_token(architecture, sequence) * tokens


def training_flops_of_text(
    architecture: Architecture, text_bytes: float, bytes_per_token: float, sequence: int = 2048
) -> float:
    """FLOPs of training once on a text of so many UTF-8 bytes: 3 F(S) b / bytes per token of its tokenizer.

    TokbenchError for bytes per token that are not above 0.
    """
    if not bytes_per_token > 0:
        raise TokbenchError(f"bytes per token must be above 0, not {bytes_per_token}")
    return training_flops(architecture, text_bytes / bytes_per_token, sequence)


def logits_share(architecture: Architecture, sequence: int = 2048) -> float:
    """Share of the logits in the FLOPs of scoring a sequence of S tokens: 2 d V / F(S), within 0..1."""
    return logits_flops(architecture) / flops_per_token(architecture, sequence)


def kv_cache_bytes(architecture: Architecture, tokens: int, bytes_per_value: int = 2) -> int:
    """Bytes of keys and values of so many tokens in all layers: 2 L d s times the bytes of one value."""
    return 2 * architecture.layers * architecture.width * _count(tokens, "cached tokens") * bytes_per_value


def break_even_nsl(architecture: Architecture, vocab_rows: int) -> float:
    """The NSL below which another vocabulary, on the same layers, takes fewer forward FLOPs for a text.

    (24 L d^2 + 2 d V) / (24 L d^2 + 2 d V'), V' = `vocab_rows`, taken as it is. NSL is tokens under the other
    vocabulary over tokens under this one. Attention to earlier tokens is left out; it would favour the shorter text.
    """
    _at_least_one(vocab_rows, "rows of a vocabulary")
    matrices = matrix_flops(architecture)
    return (matrices + logits_flops(architecture)) / (matrices + 2 * architecture.width * vocab_rows)


def pad_vocabulary(tokens: int, multiple: int = VOCABULARY_MULTIPLE) -> int:
    """Rows of the embedding for a vocabulary whose highest id is `tokens` - 1: the next multiple of `multiple`.

    The rule of GPT-NeoX's training: 128 times the model-parallel size. With 1, 2 (6.9B) and 4 (12B) it makes of the
    50,277 tokens of GPT-NeoX-20B's tokenizer exactly the 50,304, 50,432 and 50,688 rows of the Pythia models.
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
