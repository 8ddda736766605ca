"""Small checkpoints in the form that transformers writes, with tokenizers as their families have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from helpers.made import TEXTS

ROWS = 420
"""Rows of each model, more than its tokenizer has ids."""

_SIZES = {"vocab_size": ROWS, "max_position_embeddings": 64}
_LLAMA = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
_SPECIAL = {
    "llama": ["<unk>", "<s>", "</s>"],
    "llama3": ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"],
    "qwen2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "gemma": ["<pad>", "<eos>", "<bos>", "<unk>"],
    "mpt": ["<|endoftext|>", "<|padding|>"],
    "opt": ["<s>", "<pad>", "</s>", "<unk>"],
}
_SETTINGS: dict[str, dict[str, Any]] = {
    "llama": {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False},
    "llama3": {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"},
    "qwen2": {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    "gemma": {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "add_bos_token": True},
    "mpt": {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"},
    "opt": {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True},
}
_IDS: dict[str, dict[str, Any]] = {
    "llama": {"bos_token_id": 1, "eos_token_id": 2},
    "llama3": {"bos_token_id": 0, "eos_token_id": [1, 2]},
    "qwen2": {"bos_token_id": 0, "eos_token_id": 0},
    "gemma": {"bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0},
    "mpt": {"bos_token_id": 0, "eos_token_id": 0},
    "opt": {"bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1},
}
FAMILIES = tuple(_SPECIAL)


def make_family(name: str, folder: Path) -> Path:
    """Write a checkpoint with random weights, spread out so that they tell tokens apart, and its tokenizer."""
    import torch

    torch.manual_seed(5)
    model = _build_model(name)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.25)
    model.save_pretrained(folder)
    make_tokenizer(name).save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **_SETTINGS[name]}
    if name == "llama":
        settings |= {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return folder


def _build_model(name: str) -> Any:
    from transformers import AutoModelForCausalLM, GemmaConfig, LlamaConfig, MptConfig, OPTConfig, Qwen2Config

    ids = _IDS[name]
    if name in ("llama", "llama3"):
        config: Any = LlamaConfig(**_SIZES, **_LLAMA, **ids, num_key_value_heads=2)
    elif name == "qwen2":
        config = Qwen2Config(**_SIZES, **_LLAMA, **ids, num_key_value_heads=2)
    elif name == "gemma":
        config = GemmaConfig(**_SIZES, **_LLAMA, **ids, num_key_value_heads=1, head_dim=8)
    elif name == "mpt":
        config = MptConfig(d_model=32, n_heads=4, n_layers=2, max_seq_len=64, vocab_size=ROWS, **ids)
    else:
        config = OPTConfig(**_SIZES, **ids, hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4)
        config.word_embed_proj_dim = 32
    return AutoModelForCausalLM.from_config(config).float().eval()


def make_tokenizer(name: str) -> Tokenizer:
    pieces = name in ("llama", "gemma")
    alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
    special = _SPECIAL[name]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True) if pieces else models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[*special, *(alphabet if pieces else [])],
        initial_alphabet=[] if pieces else pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    if pieces:
        prepend = [normalizers.Prepend("\u2581")] if name == "llama" else []
        tokenizer.normalizer = normalizers.Sequence([*prepend, normalizers.Replace(" ", "\u2581")])
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
            + ([decoders.Strip(" ", 1, 0)] if name == "llama" else [])
        )
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([text for line in TEXTS for text in line.split()] if pieces else TEXTS, trainer)
    if pieces:  # the bytes are matched by fallback alone, not as added tokens
        document = json.loads(tokenizer.to_str())
        document["added_tokens"] = [one for one in document["added_tokens"] if one["content"] in special]
        tokenizer = Tokenizer.from_str(json.dumps(document))
    begin = {"llama": "<s>", "llama3": "<|begin_of_text|>", "gemma": "<bos>", "opt": "</s>"}.get(name)
    if begin is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", pair=f"{begin} $A {begin} $B", special_tokens=[(begin, tokenizer.token_to_id(begin))]
        )
    return tokenizer
