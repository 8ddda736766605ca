"""Compare the LM Evaluation Harness through its own class `hf` and through tokbench's backends.

`python benchmarks/harness_agreement.py` needs tokbench[lm-eval,ctranslate2,llamacpp,transformers] and accelerate. It
makes small random models that count as trained, and prints a table for docs/quality.md: the relative difference of bits
per byte over all texts, of the worst text, and the largest difference of a continuation in nats.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from helpers.lm_eval import instance, open_with_hf
from helpers.pretrained import make_pretrained
from tokbench.corpora import load_corpus
from tokbench.pythia.lm_eval.model import HarnessModel
from tokbench.pythia.model.architecture import Architecture

SHAPES = (
    Architecture(layers=2, width=64, heads=4, vocab_rows=402, context=128),
    Architecture(layers=3, width=192, heads=6, vocab_rows=402, context=128),
)
TYPES = (
    ("ctranslate2", "float32"),
    ("transformers", "float32"),
    ("llamacpp", "f32"),
    ("llamacpp", "f16"),
    ("llamacpp", "q8_0"),
    ("llamacpp", "q4_0"),
    ("ctranslate2", "int8"),
)
MOST = 64


def main() -> None:
    """Print the table."""
    corpus = load_corpus(None, languages=["en", "de", "zh"], segments=6)
    texts = [text for lang in corpus.languages for text in corpus.texts(lang)]
    size = sum(len(text.encode()) for text in texts)
    whole = [instance(text) for text in texts]
    pairs = [(text[: len(text) // 2], text[len(text) // 2 :][:12]) for text in texts]
    parts = [instance(*pair, kind="loglikelihood") for pair in [*pairs, ("", texts[0][:20])]]
    print("| backend | type | layers | width | bits per byte | relative | worst text | continuation, nats | greedy |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: | --: |")
    for seed, shape in enumerate(SHAPES, 1):
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = make_pretrained(shape, Path(folder) / "model", seed=seed)
            harness = open_with_hf(checkpoint, max_length=MOST)
            expected = harness.loglikelihood_rolling(whole, disable_tqdm=True)
            ends = harness.loglikelihood(parts, disable_tqdm=True)
            for backend, kind in TYPES:
                model = HarnessModel(str(checkpoint.path), backend, kind, max_length=MOST, threads=1)
                found = model.loglikelihood_rolling(whole, disable_tqdm=True)
                own = model.loglikelihood(parts, disable_tqdm=True)
                model.runner.close()
                total = abs(sum(found) / sum(expected) - 1)
                worst = max(abs(one / other - 1) for one, other in zip(found, expected, strict=True))
                nats = max(abs(one[0] - other[0]) for one, other in zip(own, ends, strict=True))
                greedy = sum(one[1] == other[1] for one, other in zip(own, ends, strict=True))
                bits = -sum(found) / size / math.log(2)
                print(
                    f"| {backend} | {kind} | {shape.layers} | {shape.width} | {bits:.7f} | {total:.1e} | {worst:.1e} "
                    f"| {nats:.1e} | {greedy} of {len(own)} |"
                )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
