"""What a vocabulary holds and what it wastes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.analysis.vocabulary._classes import TokenClass, classify_text, continuation_ids, list_words
from tokbench.analysis.vocabulary._coverage import measure_coverage
from tokbench.analysis.vocabulary._reachability import Reach, classify_reach
from tokbench.analysis.vocabulary._scripts import script_of
from tokbench.corpora import ParallelCorpus, load_corpus
from tokbench.pythia.model.arithmetic import pad_vocabulary, parameters

if TYPE_CHECKING:
    from tokbench.pythia.model.models import Model

UNREACHABLE = (Reach.SINGLE, Reach.MULTI, Reach.IMPOSSIBLE)
"""The classes of tokens that no text brings about; an undecodable one occurs beside the rest of its character."""


@dataclass(frozen=True)
class Sizes:
    """The four sizes: the model's vocabulary, all ids, the highest id in use, rows of the embedding (None: unknown)."""

    base: int
    total: int
    highest_id: int
    rows: int | None


@dataclass(frozen=True)
class DeadRows:
    """What rows that no text ever looks up cost in a Pythia model with this vocabulary.

    `padding` are the rows above the ids, `parameters` all dead rows' in embedding and unembedding (2 d a row), `share`
    theirs of the model's parameters (0 to 1).
    """

    model: str
    rows: int
    unreachable: int
    unused: int
    padding: int
    parameters: int
    share: float

    @property
    def dead(self) -> int:
        """All dead rows."""
        return self.unreachable + self.unused + self.padding


@dataclass(frozen=True, eq=False)
class VocabularyReport:
    """A vocabulary opened.

    tokens: id, bytes (null for special and unused ids), text (null also for parts of characters), class (`TokenClass`),
    script (Unicode Script; `Common`, `mixed`; null where there is no text), reach (`Reach`; null where no bytes).
    coverage: set, characters, covered, share. `words`: the corpus whose words tell whole words from word starts.
    """

    tokenizer: str
    engine: str
    sha256: str
    sizes: Sizes
    tokens: pl.DataFrame
    coverage: pl.DataFrame
    words: str

    def count_by(self, column: str) -> pl.DataFrame:
        """Tokens for each value of a column (class, script, reach), the most frequent first."""
        counted = self.tokens.drop_nulls(column).group_by(column).len("tokens")
        return counted.sort("tokens", column, descending=[True, False])

    def count(self, *, token_class: TokenClass | None = None, reach: Collection[Reach] | None = None) -> int:
        """Tokens of a class, or of a reach."""
        frame = self.tokens
        if token_class is not None:
            frame = frame.filter(pl.col("class") == token_class.value)
        if reach is not None:
            frame = frame.filter(pl.col("reach").is_in([kind.value for kind in reach]))
        return frame.height

    def unreachable(self, reach: Reach) -> pl.DataFrame:
        """The tokens of a reach: the rows of `tokens`."""
        return self.tokens.filter(pl.col("reach") == reach.value)

    def duplicates(self) -> pl.DataFrame:
        """Tokens of equal bytes: bytes, ids (a list), one row for each byte string that has several ids."""
        grouped = self.tokens.drop_nulls("bytes").group_by("bytes").agg(ids=pl.col("id").sort())
        return grouped.filter(pl.col("ids").list.len() > 1).sort(pl.col("ids").list.first())

    def longest(self, n: int = 10) -> pl.DataFrame:
        """The n longest tokens in bytes: id, bytes, text, length (bytes)."""
        measured = self.tokens.drop_nulls("bytes").with_columns(length=pl.col("bytes").bin.size())
        return measured.sort("length", "id", descending=[True, False]).head(n).select("id", "bytes", "text", "length")

    def ladder(self, character: str) -> list[int]:
        """How often a character is repeated in the tokens that hold nothing else: the steps of its ladder."""
        texts = self.tokens.drop_nulls("text")["text"]
        return sorted({len(text) for text in texts if text and text == character * len(text)})

    def indentations(self, character: str) -> list[int]:
        """How many of a character (space, tab) follow the line feeds in tokens that hold nothing else."""
        texts = self.tokens.drop_nulls("text")["text"]
        rests = {text.lstrip("\n") for text in texts if text.startswith("\n")}
        return sorted(len(rest) for rest in rests if rest and rest == character * len(rest))

    def numbers(self) -> dict[int, int]:
        """How many of the numbers of so many ASCII digits are a token, bare or behind a space: at most 10 ** digits."""
        texts = {text.removeprefix(" ") for text in self.tokens.drop_nulls("text")["text"]}
        lengths = Counter(len(text) for text in texts if text.isascii() and text.isdigit())
        return dict(sorted(lengths.items()))

    def dead_rows(self, model: Model) -> DeadRows:
        """What the dead rows cost in a model of the suite, with as many rows as its padding gives this vocabulary."""
        rows = pad_vocabulary(self.sizes.total, model.vocab_multiple)
        architecture = replace(model.architecture, vocab_rows=rows)
        unreachable = self.count(reach=UNREACHABLE)
        unused = self.count(token_class=TokenClass.UNUSED)
        padding = rows - self.sizes.total
        wasted = 2 * architecture.width * (unreachable + unused + padding)
        return DeadRows(model.name, rows, unreachable, unused, padding, wasted, wasted / parameters(architecture))


def inspect_vocabulary(tokenizer: Tokenizer, corpus: ParallelCorpus | None = None) -> VocabularyReport:
    """Open a vocabulary: sizes, kinds of tokens, scripts, tokens out of reach, duplicates, coverage.

    Only the distinction between whole words and word starts needs text: the words of `corpus`, by default our own.
    MissingExtraError without fontTools, which holds the Unicode properties.
    """
    texts = load_corpus() if corpus is None else corpus
    words = list_words(text for lang in texts.languages for text in texts.texts(lang))
    tokens = list_tokens(tokenizer, words)
    used = tokens.filter(pl.col("class") != TokenClass.UNUSED.value)["id"]
    entry = tokenizer.asset.entry
    highest = used.max() if len(used) else tokenizer.vocab_total - 1
    assert isinstance(highest, int)  # a maximum of integers
    return VocabularyReport(
        tokenizer=tokenizer.name,
        engine=tokenizer.engine,
        sha256=tokenizer.asset.sha256,
        sizes=Sizes(tokenizer.vocab_base, tokenizer.vocab_total, highest, entry.vocab_rows if entry else None),
        tokens=tokens,
        coverage=measure_coverage(set(tokens["bytes"].drop_nulls())),
        words=texts.name,
    )


def list_tokens(tokenizer: Tokenizer, words: Collection[str]) -> pl.DataFrame:
    """The frame `tokens` of a report."""
    table = tokenizer.token_table()
    special = tokenizer.special_tokens()
    continuations = continuation_ids(tokenizer, words)
    classes: list[str] = []
    texts: list[str | None] = []
    for number in range(len(table)):
        content = table[number]
        text = None if content is None or table.partial[number] else content.decode()
        texts.append(text)
        if content is None:
            found = TokenClass.SPECIAL if number in special else TokenClass.UNUSED
        elif not content:
            found = TokenClass.UNUSED
        elif text is None:
            found = TokenClass.PARTIAL
        else:
            starts = text[0].isspace() if continuations is None else number not in continuations
            found = classify_text(text, starts_word=starts, words=words)
        classes.append(found.value)
    reach = classify_reach(tokenizer)
    return pl.DataFrame(
        {
            "id": pl.Series(range(len(table)), dtype=pl.Int32),
            "bytes": pl.Series([table[i] for i in range(len(table))], dtype=pl.Binary),
            "text": pl.Series(texts, dtype=pl.String),
            "class": pl.Series(classes, dtype=pl.Enum([c.value for c in TokenClass])),
            "script": pl.Series([None if text is None else script_of(text) for text in texts], dtype=pl.String),
            "reach": pl.Series(
                [None if kind is None else kind.value for kind in reach], dtype=pl.Enum([k.value for k in Reach])
            ),
        }
    )
