"""What the embedding and unembedding matrices are called in checkpoints, by family."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tokbench.errors import TokbenchError


@dataclass(frozen=True)
class EmbeddingNames:
    """The names of both matrices in the checkpoints of some families.

    output: absent from checkpoints whose embeddings are tied.
    """

    families: str
    input: str
    output: str


NAMES = (
    EmbeddingNames("GPT-NeoX, Pythia", "gpt_neox.embed_in.weight", "embed_out.weight"),
    EmbeddingNames(
        "LLaMA, Mistral, Mixtral, Qwen, Gemma, Phi, OLMo, DeepSeek, Cohere",
        "model.embed_tokens.weight",
        "lm_head.weight",
    ),
    EmbeddingNames(
        "models that also read images", "language_model.model.embed_tokens.weight", "language_model.lm_head.weight"
    ),
    EmbeddingNames("models that also read images", "model.language_model.embed_tokens.weight", "lm_head.weight"),
    EmbeddingNames("OPT", "model.decoder.embed_tokens.weight", "lm_head.weight"),
    EmbeddingNames("OPT", "decoder.embed_tokens.weight", "lm_head.weight"),
    EmbeddingNames("GPT-2, GPT-Neo, GPT-J, CodeGen, MPT, Qwen 1", "transformer.wte.weight", "lm_head.weight"),
    EmbeddingNames("GPT-2", "wte.weight", "lm_head.weight"),
    EmbeddingNames("BLOOM, Falcon", "transformer.word_embeddings.weight", "lm_head.weight"),
    EmbeddingNames("BLOOM", "word_embeddings.weight", "lm_head.weight"),
    EmbeddingNames("ChatGLM 2 to 4", "transformer.embedding.word_embeddings.weight", "transformer.output_layer.weight"),
    EmbeddingNames("InternLM 2", "model.tok_embeddings.weight", "output.weight"),
    EmbeddingNames("Mamba", "backbone.embeddings.weight", "lm_head.weight"),
    EmbeddingNames("RWKV", "rwkv.embeddings.weight", "head.weight"),
    EmbeddingNames("every family in GGUF files", "token_embd.weight", "output.weight"),
)
"""Names in the files that the libraries of each family write."""


def find_names(tensors: Collection[str], source: str) -> EmbeddingNames:
    """Return the names under which these tensors hold the embeddings.

    source: the file or folder, for the error.

    Raises TokbenchError if no known name is among them.
    """
    for names in NAMES:
        if names.input in tensors:
            return names
    raise TokbenchError(
        f"{source}: none of its {len(tensors):,} tensors is an embedding matrix of a known name",
        f"known are {', '.join(dict.fromkeys(names.input for names in NAMES))}",
    )
