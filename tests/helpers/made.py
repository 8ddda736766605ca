"""Small tokenizers of every file format, made here: no test of a format needs files from elsewhere."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXTS = [
    "The quick brown fox jumps over the lazy dog, 42 times a day.",
    "Nothing in the letter explained why the clerk should have inherited an elephant.",
    "Ein Käfer läuft über die Brücke; él también, déjà vu, Ελλάδα, привет мир.",
    "你好，世界。今天天气很好，我们去公园散步。",
    "def add(x, seen=[]):\n    return seen + [x]\n",
]
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def train_byte_level(vocab_size: int = 400) -> Tokenizer:
    """A byte-level BPE that knows a few words and has one special token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.add_tokens(["    "])
    return tokenizer


def make_tokenizer_json(folder: Path) -> Path:
    path = folder / "tokenizer.json"
    train_byte_level().save(str(path))
    return path


def make_vocab_and_merges(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    model = json.loads(train_byte_level().to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    return folder


def make_wordpiece(folder: Path) -> Path:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(TEXTS[:2], trainer)
    path = folder / "vocab.txt"
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    path.write_text("".join(f"{token}\n" for token, _ in by_id), encoding="utf-8")
    return path


def make_sentencepiece(folder: Path, *, kind: str = "bpe", byte_fallback: bool = True) -> Path:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for text in TEXTS for line in text.splitlines()),
        model_writer=model,
        vocab_size=420 if byte_fallback else 160,
        model_type=kind,
        byte_fallback=byte_fallback,
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        character_coverage=1.0 if byte_fallback else 0.9,
        minloglevel=2,
    )
    path = folder / "tokenizer.model"
    path.write_bytes(model.getvalue())
    return path


def rank_bytes() -> dict[bytes, int]:
    """Ranks of a byte-level BPE: the bytes, then merges of pairs that occur."""
    ranks = {bytes([b]): b for b in range(256)}
    for token in (b"th", b"the", b" the", b"el", b"in", b"\xe4\xbd", b"\xe4\xbd\xa0", b"  "):
        ranks[token] = len(ranks)
    return ranks


def make_ranks(folder: Path) -> Path:
    path = folder / "small.tiktoken"
    path.write_bytes(b"".join(b"%s %d\n" % (base64.b64encode(t), r) for t, r in rank_bytes().items()))
    return path


def make_claude_json(folder: Path) -> Path:
    path = folder / "claude.json"
    tokens = " ".join(base64.b64encode(token).decode() for token in rank_bytes())
    document = {"pat_str": GPT2_PATTERN, "special_tokens": {"<EOT>": 0}, "bpe_ranks": f"! 5 {tokens}"}
    path.write_text(json.dumps(document | {"explicit_n_vocab": 5 + len(rank_bytes())}))
    return path


def make_tekken(folder: Path) -> Path:
    path = folder / "tekken.json"
    ranks = rank_bytes()
    vocab = [
        {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": None}
        for token, rank in ranks.items()
    ]
    spare = {"rank": len(ranks), "token_bytes": base64.b64encode(b"unused").decode(), "token_str": "unused"}
    config = {
        "pattern": GPT2_PATTERN,
        "num_vocab_tokens": len(ranks) + 1,
        "default_vocab_size": len(ranks) + 10,
        "default_num_special_tokens": 10,
        "version": "v3",
    }
    path.write_text(json.dumps({"config": config, "vocab": [*vocab, spare]}))
    return path


def make_rwkv(folder: Path) -> Path:
    path = folder / "rwkv_vocab.txt"
    tokens: list[str | bytes] = [chr(b) if b < 0x80 else bytes([b]) for b in range(256)]
    tokens += ["the", " the", "then", "你", "你好", "é", b"\xe4\xbd"]
    sized = ((token, len(token.encode() if isinstance(token, str) else token)) for token in tokens)
    lines = [f"{i} {token!r} {size}" for i, (token, size) in enumerate(sized, 1)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def make_gguf(folder: Path) -> Path:
    """The byte-level BPE of `make_tokenizer_json` in llama.cpp's format."""
    from gguf import GGUFWriter

    tokenizer = json.loads(train_byte_level().to_str())
    vocab = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    path = folder / "small.gguf"
    writer = GGUFWriter(path, "gptneox")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("mpt")
    added = [token["content"] for token in tokenizer["added_tokens"] if token["id"] >= len(vocab)]
    writer.add_token_list([token for token, _ in vocab] + added + ["[PAD401]"])
    writer.add_token_types([3] + [1] * (len(vocab) - 1) + [4] * len(added) + [5])
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def make_gguf_sentencepiece(folder: Path) -> Path:
    """The pieces of `make_sentencepiece` in llama.cpp's format."""
    from gguf import GGUFWriter

    processor = sentencepiece.SentencePieceProcessor(model_file=str(make_sentencepiece(folder)))
    size = processor.get_piece_size()
    kinds = [
        2 if processor.is_unknown(i) else 3 if processor.is_control(i) else 6 if processor.is_byte(i) else 1
        for i in range(size)
    ]
    path = folder / "small-spm.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list([processor.id_to_piece(i) for i in range(size)])
    writer.add_token_scores([processor.get_score(i) for i in range(size)])
    writer.add_token_types(kinds)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


MAKERS = {
    "tokenizer.json": make_tokenizer_json,
    "vocab+merges": make_vocab_and_merges,
    "wordpiece": make_wordpiece,
    "sentencepiece": make_sentencepiece,
    "tiktoken": make_ranks,
    "tiktoken.json": make_claude_json,
    "tekken": make_tekken,
    "rwkv": make_rwkv,
    "gguf": make_gguf,
}
