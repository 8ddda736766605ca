"""What a vocabulary holds, and what it wastes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.analysis.vocabulary._classes import TokenClass, classify_text, continuation_ids, list_words
from tokbench.analysis.vocabulary._coverage import measure_coverage
from tokbench.analysis.vocabulary._reachability import Reach, classify_reach, count_unreachable_alone
from tokbench.analysis.vocabulary._scripts import script_of
from tokbench.corpora import Corpus, load_corpus
from tokbench.pythia.model.arithmetic import pad_vocabulary, parameters, row_parameters

if TYPE_CHECKING:
    from tokbench.pythia.model.models import Model
    from tokbench.pythia.model.resolution import ModelSpec

UNREACHABLE = (Reach.SINGLE, Reach.MULTI, Reach.IMPOSSIBLE)
"""Classes of tokens that no text produces; an undecodable one occurs next to the rest of its character."""


@dataclass(frozen=True)
class Sizes:
    """The four sizes of a vocabulary.

    base: the model's vocabulary.
    total: all ids.
    highest_id: the highest id in use.
    rows: rows of the embedding matrix; None if unknown.
    """

    base: int
    total: int
    highest_id: int
    rows: int | None


@dataclass(frozen=True)
class DeadRows:
    """What unused embedding rows cost in a Pythia model with this vocabulary.

    padding: rows above the ids.
    parameters: parameters of all dead rows in embedding and unembedding (2 d per row).
    share: their share of the model's parameters (0 to 1).
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
        """Return the number of dead rows."""
        return self.unreachable + self.unused + self.padding


@dataclass(frozen=True, eq=False)
class VocabularyReport:
    """The contents of a vocabulary.

    tokens: the columns
        id
        bytes: null for special and unused ids.
        text: null also for tokens that are not whole characters.
        class: a `TokenClass`.
        script: Unicode script, `Common` or `mixed`; null without text.
        reach: a `Reach`; null without bytes.
    coverage: set, characters, covered, share.
    unreachable_alone: tokens unreachable by the definition without context; see `count_unreachable_alone`.
    words: the corpus whose words distinguish whole words from word starts.
    """

    tokenizer: str
    engine: str
    sha256: str
    sizes: Sizes
    tokens: pl.DataFrame
    coverage: pl.DataFrame
    unreachable_alone: int
    words: str

    def count_by(self, column: str) -> pl.DataFrame:
        """Count tokens per value of a column (class, script, reach), most frequent first."""
        counted = self.tokens.drop_nulls(column).group_by(column).len("tokens")
        return counted.sort("tokens", column, descending=[True, False])

    def count(self, *, token_class: TokenClass | None = None, reach: Collection[Reach] | None = None) -> int:
        """Count the tokens of a class, of some reaches, or both."""
        frame = self.tokens
        if token_class is not None:
            frame = frame.filter(pl.col("class") == token_class.value)
        if reach is not None:
            frame = frame.filter(pl.col("reach").is_in([kind.value for kind in reach]))
        return frame.height

    def unreachable(self, reach: Reach) -> pl.DataFrame:
        """Return the tokens with this reach: rows of `tokens`."""
        return self.tokens.filter(pl.col("reach") == reach.value)

    def duplicates(self) -> pl.DataFrame:
        """Return tokens with equal bytes: bytes, ids (a list); one row per byte string."""
        grouped = self.tokens.drop_nulls("bytes").group_by("bytes").agg(ids=pl.col("id").sort())
        return grouped.filter(pl.col("ids").list.len() > 1).sort(pl.col("ids").list.first())

    def longest(self, n: int = 10) -> pl.DataFrame:
        """Return the n longest tokens in bytes: id, bytes, text, length (bytes)."""
        measured = self.tokens.drop_nulls("bytes").with_columns(length=pl.col("bytes").bin.size())
        return measured.sort("length", "id", descending=[True, False]).head(n).select("id", "bytes", "text", "length")

    def ladder(self, character: str) -> list[int]:
        """Return the lengths of tokens that only repeat this character."""
        texts = self.tokens.drop_nulls("text")["text"]
        return sorted({len(text) for text in texts if text and text == character * len(text)})

    def indentations(self, character: str) -> list[int]:
        """Return the lengths of indentation tokens, by repeats of the character.

        The character (space, tab) follows one or more line feeds.

        Only tokens of line feeds followed by this character count.
        """
        texts = self.tokens.drop_nulls("text")["text"]
        rests = {text.lstrip("\n") for text in texts if text.startswith("\n")}
        return sorted(len(rest) for rest in rests if rest and rest == character * len(rest))

    def numbers(self) -> dict[int, int]:
        """Count, by number of ASCII digits, the numbers that are a token.

        Bare or after a space.

        At most 10 ** digits each.
        """
        texts = {text.removeprefix(" ") for text in self.tokens.drop_nulls("text")["text"]}
        lengths = Counter(len(text) for text in texts if text.isascii() and text.isdigit())
        return dict(sorted(lengths.items()))

    def dead_rows(self, model: Model | ModelSpec) -> DeadRows:
        """Compute what dead rows cost in a model with this vocabulary.

        The vocabulary is padded as that model pads.
        """
        rows = pad_vocabulary(self.sizes.total, model.vocab_multiple)
        architecture = replace(model.architecture, vocab_rows=rows)
        unreachable = self.count(reach=UNREACHABLE)
        unused = self.count(token_class=TokenClass.UNUSED)
        padding = rows - self.sizes.total
        wasted = row_parameters(architecture) * (unreachable + unused + padding)
        return DeadRows(model.name, rows, unreachable, unused, padding, wasted, wasted / parameters(architecture))


def inspect_vocabulary(tokenizer: Tokenizer, corpus: Corpus | None = None) -> VocabularyReport:
    """Examine a vocabulary.

    Sizes, classes, scripts, reachability, duplicates, coverage.

    corpus: its words distinguish whole words from word starts; default tokbench14. Nothing else needs text.

    Raises MissingExtraError without fontTools, which provides the Unicode properties.
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
        unreachable_alone=count_unreachable_alone(tokenizer),
        words=texts.name,
    )


def list_tokens(tokenizer: Tokenizer, words: Collection[str]) -> pl.DataFrame:
    """Build the `tokens` frame of a report."""
    table = tokenizer.token_table()
    continuations = continuation_ids(tokenizer, words)
    reach = classify_reach(tokenizer)
    classes = dict.fromkeys(tokenizer.special_tokens(), TokenClass.SPECIAL)
    rows = []
    for number, content in table.items():
        text = None if table.partial[number] else content.decode()
        if not content:
            found = TokenClass.UNUSED
        elif text is None:
            found = TokenClass.PARTIAL
        else:
            starts = text[0].isspace() if continuations is None else number not in continuations
            found = classify_text(text, starts_word=starts, words=words)
        classes[number] = found
        rows.append((number, content, text, None if text is None else script_of(text), reach.get(number)))
    known = pl.DataFrame(
        rows,
        orient="row",
        schema={
            "id": pl.Int32,
            "bytes": pl.Binary,
            "text": pl.String,
            "script": pl.String,
            "reach": pl.Enum([kind.value for kind in Reach]),
        },
    )
    named = pl.DataFrame(
        {"id": list(classes), "class": [found.value for found in classes.values()]},
        schema={"id": pl.Int32, "class": pl.Enum([found.value for found in TokenClass])},
    )
    return (
        pl.DataFrame({"id": pl.int_range(len(table), dtype=pl.Int32, eager=True)})
        .join(known, on="id", how="left", maintain_order="left")
        .join(named, on="id", how="left", maintain_order="left")
        .with_columns(pl.col("class").fill_null(pl.lit(TokenClass.UNUSED.value, dtype=named["class"].dtype)))
        .select("id", "bytes", "text", "class", "script", "reach")
    )
