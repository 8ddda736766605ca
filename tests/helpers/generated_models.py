"""Generated files that are no byte-level BPE of `tokenizers`: other models, rank files, RWKV's form, SentencePiece."""

from __future__ import annotations

import base64
import io
import json
import random
import re
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from helpers.drawn_texts import list_words
from helpers.generated_merges import add_tokens, list_merges
from tokbench.adapters.huggingface import printable_bytes


def make_characters(folder: Path, pick: random.Random) -> str:
    """BPE over characters: a suffix or a prefix of words' pieces, Metaspace, byte fallback, unknown text."""
    notation = pick.choice(({"end_of_word_suffix": "</w>"}, {"continuing_subword_prefix": "@@"}, {}))
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=["<unk>"], show_progress=False, **notation)
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=pick.random() < 0.5, **notation))
    mark = pick.choice("_▁")
    space = pre_tokenizers.Metaspace(replacement=mark, prepend_scheme=pick.choice(("always", "never", "first")))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit() if notation else space
    tokenizer.train_from_iterator([" ".join(list_words()[:: pick.randint(5, 30)])], trainer)
    document = json.loads(tokenizer.to_str())
    vocab = document["model"]["vocab"]
    if not notation and pick.random() < 0.7:
        for byte in range(256):
            vocab[f"<0x{byte:02X}>"] = len(vocab)
        document["model"]["byte_fallback"] = True
    add_tokens(document, pick)
    (folder / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return str(folder / "tokenizer.json")


def make_words(folder: Path, pick: random.Random) -> str:
    """WordPiece, WordLevel or Unigram of `tokenizers`, with added tokens."""
    model, trainer = pick.choice(
        (
            (models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer),
            (models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer),
            (models.Unigram(), trainers.UnigramTrainer),
        )
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = pick.choice((None, normalizers.BertNormalizer(), normalizers.NFKC()))
    tokenizer.pre_tokenizer = pick.choice((pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Metaspace()))
    named = {"unk_token": "[UNK]"} if trainer is trainers.UnigramTrainer else {}
    options = {"vocab_size": 4000, "special_tokens": ["[UNK]"], "show_progress": False, **named}
    tokenizer.train_from_iterator([*list_words()[:: pick.randint(5, 30)]], trainer(**options))
    document = json.loads(tokenizer.to_str())
    vocab = document["model"]["vocab"]
    known = vocab if isinstance(vocab, dict) else {token: number for number, (token, _) in enumerate(vocab)}
    add_tokens({"model": {"vocab": known}, "added_tokens": document["added_tokens"]}, pick)
    (folder / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return str(folder / "tokenizer.json")


def make_ranks(folder: Path, pick: random.Random) -> str:
    """A rank file: with gaps, with tokens that are no merge of two, the bytes in another order."""
    level = printable_bytes()
    bytes_first = [bytes([byte]) for byte in range(256)]
    pick.shuffle(bytes_first)
    tokens = [bytes(level[c] for c in a + b) for a, b in list_merges()[: pick.randint(60, 600)]]
    if pick.random() < 0.5:
        tokens += [word.encode() for word in pick.sample(list_words(), 40)]
    if pick.random() < 0.3:
        pick.shuffle(tokens)
    distinct = list(dict.fromkeys(bytes_first + tokens))
    ranks = range(len(distinct))
    numbers = ranks if pick.random() < 0.5 else sorted(pick.sample(range(2 * len(distinct)), len(distinct)))
    lines = (b"%s %d\n" % (base64.b64encode(t), n) for t, n in zip(distinct, numbers, strict=True))
    path = folder / "made.tiktoken"
    path.write_bytes(b"".join(lines))
    return f"{path}#{pick.choice(('cl100k_base', 'o200k_base', 'r50k_base', 'llama3'))}"


def make_rwkv(folder: Path, pick: random.Random) -> str:
    """A vocabulary of RWKV's form, its ids with gaps."""
    words = [pick.choice(("", " ")) + word for word in pick.sample(list_words(), 300)]
    tokens: list[str | bytes] = [chr(b) if b < 0x80 else bytes([b]) for b in range(256)]
    tokens += list(dict.fromkeys([*words, *(w[: len(w) // 2] for w in words if len(w) > 3), "中", "\u180e", "  "]))
    tokens += [word.encode()[:-1] for word in words if not word.isascii() and re.search(r"[^\x00-\x7f]$", word)][:20]
    distinct = {(t.encode() if isinstance(t, str) else t): t for t in tokens}
    numbers = sorted(pick.sample(range(1, 2 * len(distinct)), len(distinct)))
    lines = [f"{n} {t!r} {len(raw)}\n" for n, (raw, t) in zip(numbers, distinct.items(), strict=True)]
    (folder / "rwkv_vocab.txt").write_text("".join(lines), encoding="utf-8")
    return str(folder / "rwkv_vocab.txt")


def make_sentencepiece(folder: Path, pick: random.Random) -> str:
    """A SentencePiece model, BPE or unigram, with and without byte fallback, user-defined pieces among its own."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(list_words()[:: pick.randint(3, 9)]),
        model_writer=model,
        vocab_size=3000,
        character_coverage=0.99,
        model_type=pick.choice(("bpe", "unigram")),
        byte_fallback=pick.random() < 0.5,
        add_dummy_prefix=pick.random() < 0.5,
        split_digits=pick.random() < 0.5,
        user_defined_symbols=pick.sample(["<x>", "▁▁", "ab", "abab", "the"], 3),
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    return str(folder / "tokenizer.model")
