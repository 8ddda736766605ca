"""Vocabularies that are trained to a size on a few texts."""

from __future__ import annotations

import io

import sentencepiece
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from helpers.made import TEXTS
from tokbench.corpora import load_corpus

MANY = [*TEXTS, *(text for lang in ("en", "zh", "de") for text in load_corpus(None).texts(lang)[:12])]


def train(size: int) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(MANY, trainer)
    return tokenizer


def train_pieces(size: int, kind: str = "bpe") -> sentencepiece.SentencePieceProcessor:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(MANY),
        model_writer=model,
        vocab_size=size,
        model_type=kind,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
