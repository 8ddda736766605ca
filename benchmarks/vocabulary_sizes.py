"""The measurements of docs/vocabulary-size.md: equality with training, the best size, LLaMA extended for Chinese.

python benchmarks/vocabulary_sizes.py FLORES_DEV NEWS_COMMENTARY.jsonl: two minutes on a quiet machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from tokbench.adapters import load_tokenizer
from tokbench.analysis.extension import extend
from tokbench.analysis.sweep import nest, sweep
from tokbench.corpora import load_corpus
from tokbench.pythia.model.resolution import resolve_model

LANGUAGES = (
    *("eng_Latn", "deu_Latn", "fra_Latn", "rus_Cyrl", "zho_Hans", "jpn_Jpan", "arb_Arab", "hin_Deva", "tha_Thai"),
    *("kor_Hang", "tur_Latn", "swh_Latn", "vie_Latn", "ell_Grek", "heb_Hebr", "pol_Latn", "spa_Latn", "ita_Latn"),
    *("por_Latn", "ukr_Cyrl", "ces_Latn"),
)
SIZES = (2_000, 4_000, 8_000, 12_000, 16_000, 20_000, 24_000, 28_000, 32_000, 40_000)
TEXTS = 20_000


def train(size: int, texts: list[str]) -> tokenizers.Tokenizer:
    """Train byte-level BPE to a size."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def compare_with_training(flores: str) -> None:
    """Compare the first 8,000 ids of a vocabulary of 32,000 with one trained to 8,000."""
    corpus = load_corpus(flores, languages=LANGUAGES)
    texts = [text for lang in corpus.languages for text in corpus.texts(lang)]
    small, large = (load_tokenizer(train(size, texts), name=str(size)) for size in (8_000, 32_000))
    chosen = texts[:TEXTS]
    trained, cut = small.encode_batch(chosen), nest(large).cut(8_000).encode_batch(chosen)
    equal = np.array_equal(trained.ids, cut.ids) and np.array_equal(trained.offsets, cut.offsets)
    print(f"{len(chosen):,} texts, {len(trained.ids):,} ids: {'equal' if equal else 'NOT equal'}")


def find_best(flores: str) -> None:
    """Find the best size of GPT-NeoX-20B's vocabulary for English on Pythia-160m."""
    corpus = load_corpus(flores, languages=["eng_Latn"])
    found = sweep([load_tokenizer("gpt-neox-20b")], corpus, resolve_model("160m"), SIZES)
    for row in found.values.iter_rows(named=True):
        print(
            f"{row['size']:>7,} {row['tokens_per_segment']:6.2f} tokens, "
            f"serving {row['relative_serving']:.3f}, training {row['relative_training']:.3f}"
        )
    for row in found.best.iter_rows(named=True):
        print(f"{row['purpose']}: {row['size']:,} [{row['low']:,}, {row['high']:,}], {row['share']:.0%} of resamples")


def extend_llama(news: str) -> None:
    """Extend LLaMA's vocabulary for Chinese, and measure both languages on the other half."""
    corpus = load_corpus(news, languages=["zh", "en"])
    model = resolve_model("410m")
    found = extend(load_tokenizer("llama"), corpus, model, [1_000, 2_000, 4_000, 8_000], train_on=["zh"])
    for row in found.values.iter_rows(named=True):
        print(
            f"{row['lang'] or 'all':>4} + {row['size'] - found.old_size:>5,} {row['tokens_per_segment']:6.2f} tokens, "
            f"serving {row['relative_serving']:.3f}, training {row['relative_training']:.3f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flores", help="FLORES-200 dev")
    parser.add_argument("news", help="pairs of News Commentary, .jsonl")
    paths = parser.parse_args()
    if not Path(paths.news).is_file():
        raise SystemExit(f"no file {paths.news}")
    compare_with_training(paths.flores)
    find_best(paths.flores)
    extend_llama(paths.news)
