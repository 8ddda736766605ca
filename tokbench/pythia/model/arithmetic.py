"""Costs of a decoder, from its shape alone.

Parameters, FLOPs, key-value cache.

Formulas are those of Pythia, whose layers are equal; for other families the sums over `list_layers` take their place.
Letters: L layers, d width, V vocabulary rows, S tokens of a prompt, s tokens attended to. A multiplication and its
addition are two FLOPs; norms, softmax, activations, biases and rotary positions are not counted. Numbers are exact
integers unless stated otherwise, and every function takes the shape as it is: `pad_vocabulary` pads a vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.layers import Layer, list_layers, list_outside

TRAINING_FACTOR = 3
"""FLOPs of a training step over those of its forward pass: the backward pass costs twice as much as the forward."""

VOCABULARY_MULTIPLE = 128
"""Pythia's vocabularies are padded to a multiple of this times the model-parallel size of training."""


def parameters(architecture: Architecture) -> int:
    """Count all parameters, those of all experts included; Pythia: 12 L d^2 + 13 L d + 2 d + 2 d V."""
    return non_embedding_parameters(architecture) + embedding_parameters(architecture)


def active_parameters(architecture: Architecture) -> int:
    """Count the parameters that serve one token: all but those of experts that are not used for it."""
    unused = sum(
        group.count * (_unused_values(group.layer) + group.layer.vectors - group.layer.used_vectors)
        for group in list_layers(architecture)
    )
    return parameters(architecture) - unused


def non_embedding_parameters(architecture: Architecture) -> int:
    """Count the parameters outside of the embeddings; Pythia: 12 L d^2 + 13 L d + 2 d."""
    matrices, vectors = list_outside(architecture)
    outside = vectors + sum(matrix.values for matrix in matrices)
    return outside + sum(
        group.count * (group.layer.vectors + sum(matrix.values for matrix in group.layer.matrices))
        for group in list_layers(architecture)
    )


def embedding_parameters(architecture: Architecture) -> int:
    """Count the parameters of embedding and unembedding together: 2 d V; d V if they are one matrix.

    Learned positions are part of it.
    """
    positions = architecture.embeddings.positions * architecture.width
    return architecture.vocab_rows * row_parameters(architecture) + positions


def row_parameters(architecture: Architecture) -> int:
    """Count the parameters that one row of the vocabulary takes: 2 d; d if embedding and unembedding are one matrix."""
    embeddings = architecture.embeddings
    return architecture.embedding_width * (1 if embeddings.tied else 2) + embeddings.output_bias


def matrix_flops(architecture: Architecture) -> int:
    """Count the FLOPs of one token in all matrices but the unembedding: two per value; Pythia: 24 L d^2.

    Of experts, only those that are used for the token. The state of a recurrent model is a matrix, too.
    """
    return _totals(architecture).matrices


def logits_flops(architecture: Architecture) -> int:
    """Count the FLOPs of the logits after one token: 2 d V."""
    return 2 * architecture.embedding_width * architecture.vocab_rows


def attention_flops(architecture: Architecture, context: int) -> int:
    """Count the FLOPs of one token attending to `context` tokens: 4 L d s.

    The token itself is one of them. Layers with a window attend to that many at most. Latent attention attends to the
    compressed vectors, as servers do when decoding.
    """
    _count(context, "tokens attended to")
    return sum(reach.step_flops * reach.limit(context) for reach in _totals(architecture).reaches)


def prompt_attention_flops(architecture: Architecture, tokens: int) -> int:
    """Count the FLOPs of causal attention within a prompt: 2 L d S (S + 1).

    The sum of `attention_flops` over its tokens, except for latent attention, whose keys and values are expanded here.
    """
    _count(tokens, "tokens of a prompt")
    return sum(reach.prompt_flops * reach.sum_to(tokens) for reach in _totals(architecture).reaches)


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
    first, last = _count(prompt, "tokens of a prompt"), prompt + steps
    per_step = matrix_flops(architecture) + logits_flops(architecture)
    reaches = _totals(architecture).reaches
    return steps * per_step + sum(r.step_flops * (r.sum_to(last) - r.sum_to(first)) for r in reaches)


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
    """Count the bytes of keys and values in all layers; Pythia: 2 L d s times the bytes per value.

    Layers with a window keep that many tokens at most. Latent attention keeps its compressed vectors. A recurrent model
    keeps its state, which any number of tokens but 0 fills.
    """
    totals = _totals(architecture)
    cached = sum(reach.cached * reach.limit(_count(tokens, "cached tokens")) for reach in totals.reaches)
    return (cached + min(tokens, 1) * totals.state) * bytes_per_value


def break_even_nsl(architecture: Architecture, vocab_rows: int) -> float:
    """Return the NSL below which another vocabulary needs fewer FLOPs.

    Forward FLOPs per text, on the same layers.

    (24 L d^2 + 2 d V) / (24 L d^2 + 2 d V'), with V' = `vocab_rows` as given. NSL is tokens under the other vocabulary
    over tokens under this one. Attention to earlier tokens is excluded; it would favour the shorter text. Whether both
    embeddings are one matrix changes nothing: it is multiplied by all the same.
    """
    _at_least_one(vocab_rows, "rows of a vocabulary")
    matrices = matrix_flops(architecture)
    return (matrices + logits_flops(architecture)) / (matrices + 2 * architecture.embedding_width * vocab_rows)


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


@dataclass(frozen=True)
class _Reach:
    """Layers with the same window; FLOPs and cached values per token attended to, of all these layers together."""

    window: int | None
    prompt_flops: int
    step_flops: int
    cached: int

    def limit(self, tokens: int) -> int:
        """Return how many of `tokens` the last one attends to."""
        return tokens if self.window is None else min(tokens, self.window)

    def sum_to(self, tokens: int) -> int:
        """Return the sum of `limit` over 1 to `tokens`."""
        full = self.limit(tokens)
        return full * (full + 1) // 2 + (tokens - full) * full


@dataclass(frozen=True)
class _Totals:
    """Sums over all layers: FLOPs of one token in matrices and state, attention by window, values of the state."""

    matrices: int
    reaches: tuple[_Reach, ...]
    state: int


@lru_cache(maxsize=256)
def _totals(architecture: Architecture) -> _Totals:
    groups = list_layers(architecture)
    outside, _ = list_outside(architecture)
    return _Totals(
        matrices=2 * sum(matrix.used_values for matrix in outside)
        + sum(g.count * (2 * sum(m.used_values for m in g.layer.matrices) + g.layer.state_flops) for g in groups),
        reaches=tuple(
            _Reach(
                g.layer.window, g.count * g.layer.prompt_flops, g.count * g.layer.step_flops, g.count * g.layer.cached
            )
            for g in groups
            if g.layer.cached
        ),
        state=sum(g.count * g.layer.state for g in groups),
    )


def _unused_values(layer: Layer) -> int:
    return sum(matrix.values - matrix.used_values for matrix in layer.matrices)
