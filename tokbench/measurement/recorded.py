"""Measurements of ids made without tokbench.

For closed models, tokenised corpora, and samples of a training run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import EncodedBatch, LoadedTokenizer, TokenTable
from tokbench.catalog.sources import Asset
from tokbench.corpora import Corpus, ParallelCorpus, TextsByLanguage
from tokbench.errors import TokbenchError
from tokbench.measurement._frames import describe_tokenizers, label_cells, list_documents, list_vocabulary
from tokbench.measurement.counting import ID_BITS, count_batch, frame_histograms
from tokbench.measurement.jackknife_blocks import assign_blocks
from tokbench.measurement.units import Draw, UnitsOfCorpus, pool_counts, pool_texts
from tokbench.measurement.words import LanguageTexts, Segmenter, has_words

NEED_BYTES = ("partial_tokens", "continued_words", "loss")
"""Counts that need the bytes of tokens."""

IdsOfTexts: TypeAlias = Sequence[Sequence[int] | npt.NDArray[np.integer]]
"""The ids of each text, in the order of the texts."""


class RecordedTokenizer(LoadedTokenizer):
    """A tokenizer known only by its output.

    It decodes ids whose bytes are given, and cannot encode.
    """

    def __init__(self, asset: Asset, table: TokenTable, *, prefix: bytes, unk_id: int | None) -> None:
        super().__init__(asset, "tokbench", "from_ids", base=0, total=len(table))
        self.engine = "ids"
        self.table = table
        self.prefix = prefix
        self.unk_id = unk_id

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Raise an error: there is no engine."""
        raise TokbenchError(f"{self.name} is known by its ids alone", "it cannot encode other texts")

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Return the bytes of the ids as text, without the prefix.

        Invalid UTF-8 becomes U+FFFD.
        """
        joined = (self.table.concatenate(ids).tobytes().removeprefix(self.prefix or b"") for ids in batch)
        return [content.decode(errors="replace") for content in joined]

    def read_table(self) -> TokenTable:
        """Return the bytes that were given."""
        return self.table


def make_corpus(texts: TextsByLanguage | Sequence[str] | Corpus, lang: str) -> Corpus:
    """Return the corpus of texts by language, or of the texts of one language."""
    if isinstance(texts, Corpus):
        return texts
    by_language = {lang: texts} if isinstance(texts, Sequence) else texts
    return ParallelCorpus.from_texts(by_language)


def read_ids(ids: IdsOfTexts | Mapping[str, IdsOfTexts], corpus: Corpus) -> dict[str, EncodedBatch]:
    """Return the ids of the texts in use, by language.

    ids: by language, or those of the only language; one sequence per text, including texts excluded as empty.

    Raises TokbenchError for other languages, other numbers of texts, and invalid ids.
    """
    by_language = ids if isinstance(ids, Mapping) else {corpus.languages[0]: ids}
    if set(by_language) != set(corpus.languages):
        raise TokbenchError(
            f"ids are given for {', '.join(map(str, by_language))}, texts for {', '.join(corpus.languages)}",
            "give both by the same languages",
        )
    return {lang: read_language(by_language[lang], corpus, lang) for lang in corpus.languages}


def read_language(ids: IdsOfTexts, corpus: Corpus, lang: str) -> EncodedBatch:
    """Return the ids of the texts of one language that are in use."""
    numbers, excluded = corpus.number(lang), corpus.excluded
    if not corpus.aligned:
        excluded = excluded.filter(pl.col("reason") == f"empty in {lang}")
    count = len(numbers)
    total = count + excluded.height if corpus.format == "memory" else count
    if len(ids) not in {total, count}:
        raise TokbenchError(f"{lang} has {total:,} texts and ids for {len(ids):,}", "give one sequence of ids per text")
    first = 0 if corpus.aligned else min([*numbers.head(1), *excluded["segment"].head(1)])  # groups are numbered on
    used = [number - first for number in numbers] if len(ids) == total and total != count else range(count)
    arrays = [check_ids(ids[i], f"text {i} of {lang}") for i in used]
    return EncodedBatch.from_arrays(arrays)


def check_ids(ids: Sequence[int] | npt.NDArray[np.integer], where: str) -> npt.NDArray[np.integer]:
    """Return the ids of a text as an array.

    Raises TokbenchError unless all are integers in range.
    """
    array = np.asarray(ids) if len(ids) else np.empty(0, np.int32)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise TokbenchError(f"the ids of {where} are no flat list of whole numbers", "give ids, not tokens or tensors")
    if len(array) and not 0 <= array.min() <= array.max() < 1 << ID_BITS:
        raise TokbenchError(f"the ids of {where} are not all from 0 to {(1 << ID_BITS) - 1:,}", "number tokens from 0")
    return array


def read_table(
    token_bytes: Sequence[bytes | None] | Mapping[int, bytes | None] | None, batches: Iterable[EncodedBatch]
) -> TokenTable:
    """Return the bytes of each id, None if not given.

    Raises TokbenchError for anything but bytes.
    """
    highest = max((int(batch.ids.max(initial=-1)) for batch in batches), default=-1)
    if token_bytes is None:
        return TokenTable.from_tokens(repeat(None, highest + 1))
    given = dict(token_bytes) if isinstance(token_bytes, Mapping) else dict(enumerate(token_bytes))
    for token, content in given.items():
        if content is not None and not isinstance(content, bytes):
            raise TokbenchError(f"the token {token} is {content!r}, not bytes", "give the UTF-8 bytes of each token")
    if not isinstance(token_bytes, Mapping) and highest >= len(given):
        raise TokbenchError(f"the id {highest:,} occurs, but bytes are given for {len(given):,} tokens only")
    size = max(highest, *given, -1) + 1 if given else highest + 1
    return TokenTable.from_tokens(given.get(token) for token in range(size))


def hash_ids(batches: Mapping[str, EncodedBatch]) -> str:
    """Return the SHA-256 of all ids, which identifies them in a signature."""
    digest = hashlib.sha256(b"tokbench ids 1\n")
    for lang, batch in sorted(batches.items()):
        digest.update(f"{lang} {len(batch)}\n".encode())
        digest.update(batch.offsets.astype("<i8").tobytes())
        digest.update(batch.ids.astype("<i4").tobytes())
    return digest.hexdigest()


def frame_recorded(
    corpus: Corpus,
    ids: IdsOfTexts | Mapping[str, IdsOfTexts],
    token_bytes: Sequence[bytes | None] | Mapping[int, bytes | None] | None,
    name: str,
    facts: Mapping[str, int | None],
    prefix: bytes,
    segmenter: Segmenter,
    draw: Draw | None,
) -> dict[str, pl.DataFrame]:
    """Return the frames of `Measurements` for one tokenizer.

    facts: its numeric columns in `tokenizers`. draw: what a large corpus is added up by, as for `measure`.
    """
    batches = read_ids(ids, corpus)
    table = read_table(token_bytes, batches.values())
    asset = Asset(name, "ids", (), hash_ids(batches), "ids", None)
    tokenizer = RecordedTokenizer(asset, table, prefix=prefix, unk_id=facts["unk_id"])
    documents = list_documents(corpus)
    units = None if draw is None else UnitsOfCorpus.find(corpus, draw)
    unknown = [] if token_bytes is not None else NEED_BYTES
    texts, counts, histograms = [], [], []
    for lang in corpus.languages:
        read = LanguageTexts.read(corpus.texts(lang), segmenter, has_words(corpus.columns[lang], segmenter))
        segments = corpus.number(lang)
        if units is None:
            own, blocks = None, assign_blocks(segments, documents)["block"]
        else:
            own, blocks = units.by_language[lang].locate(0, len(segments))
        counted, histogram = count_batch(tokenizer, batches[lang], read, segments, blocks)
        counted = counted.with_columns(pl.lit(None, counted.schema[column]).alias(column) for column in unknown)
        described = read.describe(segments)
        texts.append(described if own is None else pool_texts(described, own))
        counts.append(counted if own is None else pool_counts(counted, described, own))
        histograms.append(histogram)
    labels = {"tokenizer": [name], "lang": list(corpus.languages)}
    sizes = [len(keys) for keys, _ in histograms]
    heights = [frame.height for frame in texts]
    of_texts = pl.concat(texts, how="vertical_relaxed")
    histogram_rows = frame_histograms(histograms)
    return {
        "texts": label_cells(of_texts, heights, {"lang": list(corpus.languages)}),
        "counts": label_cells(pl.concat(counts, how="vertical_relaxed"), heights, labels),
        "ids": label_cells(
            histogram_rows if units is None else histogram_rows.cast({"count": pl.Int64}), sizes, labels
        ),
        "vocab": list_vocabulary(tokenizer, pl.Enum([name])),
        "documents": documents if units is None else units.list_documents(of_texts["segment"]),
        "tokenizers": describe_tokenizers([tokenizer]).with_columns(
            pl.lit(value, pl.Int64).alias(column) for column, value in facts.items()
        ),
    }
