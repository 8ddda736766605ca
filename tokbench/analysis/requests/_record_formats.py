"""The same records in several formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.corpora import Corpus

Record = Mapping[str, str | int]

MOST_RECORDS = 50
"""Records per language: the first texts."""

SCHEMA = {
    "tokenizer": pl.String,
    "lang": pl.String,
    "format": pl.String,
    "records": pl.Int64,
    "bytes": pl.Int64,
    "tokens": pl.Int64,
    "unknown": pl.Int64,
    "ratio": pl.Float64,
}


def make_records(texts: Sequence[str], lang: str) -> list[Record]:
    """Make a record per text: its number, language, size, and the text without white space around it."""
    stripped = [text.strip() for text in texts[:MOST_RECORDS]]
    return [
        {"id": number, "language": lang, "characters": len(text), "text": text}
        for number, text in enumerate(stripped, start=1)
    ]


def write_json(records: Sequence[Record]) -> str:
    """Write an array of objects on one line."""
    return json.dumps(records, ensure_ascii=False)


def write_escaped_json(records: Sequence[Record]) -> str:
    """Write JSON with every character beyond ASCII escaped, as `json.dumps` does by default."""
    return json.dumps(records)


def write_indented_json(records: Sequence[Record]) -> str:
    """Write JSON indented by two spaces."""
    return json.dumps(records, ensure_ascii=False, indent=2)


def write_json_lines(records: Sequence[Record]) -> str:
    """Write one object per line."""
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)


def write_yaml(records: Sequence[Record]) -> str:
    """Write a list of mappings, as PyYAML does, without breaking lines."""
    import yaml

    written: str = yaml.safe_dump(
        [dict(record) for record in records], allow_unicode=True, sort_keys=False, width=float("inf")
    )
    return written


def write_xml(records: Sequence[Record]) -> str:
    """Write an element per record and per field, records indented by two spaces, each on a line."""
    rows = ("".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in record.items()) for record in records)
    return "<records>\n" + "".join(f"  <record>{row}</record>\n" for row in rows) + "</records>\n"


def write_markdown(records: Sequence[Record]) -> str:
    """Write a table of GitHub Markdown, with `\\|` for bars and `<br>` for line feeds."""

    def write_row(values: Sequence[Any]) -> str:
        cells = (str(value).replace("|", "\\|").replace("\n", "<br>") for value in values)
        return f"| {' | '.join(cells)} |\n"

    head = list(records[0])
    return write_row(head) + write_row(["---"] * len(head)) + "".join(write_row(list(r.values())) for r in records)


def write_csv(records: Sequence[Record]) -> str:
    """Write comma-separated values with a header, quoted where needed."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return stream.getvalue()


FORMATS: Mapping[str, Callable[[Sequence[Record]], str]] = {
    "JSON": write_json,
    "JSON, indented": write_indented_json,
    "JSON, escaped": write_escaped_json,
    "JSON lines": write_json_lines,
    "YAML": write_yaml,
    "XML": write_xml,
    "Markdown table": write_markdown,
    "CSV": write_csv,
}
"""How records are written, by format; all others are relative to the first."""


def measure_formats(tokenizers: Sequence[Tokenizer], corpus: Corpus) -> pl.DataFrame:
    """Count the tokens of the same records in each format: by tokenizer and language, then over all languages.

    unknown: how many of the tokens are the unknown token.
    ratio: tokens / tokens of the same records as JSON.
    """
    sums: dict[tuple[str, str | None, str], list[int]] = {}
    for lang in corpus.languages:
        records = make_records(corpus.texts(lang), lang)
        written = {name: write(records) for name, write in FORMATS.items()} if records else {}
        for tokenizer in tokenizers:
            batch = tokenizer.encode_batch(list(written.values()))
            unknown = batch.sum_by_text(batch.ids == (-1 if tokenizer.unk_id is None else tokenizer.unk_id))
            for (name, text), tokens, lost in zip(written.items(), batch.counts, unknown, strict=True):
                own = [len(records), len(text.encode()), int(tokens), int(lost)]
                for key in ((tokenizer.name, lang, name), (tokenizer.name, None, name)):
                    sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 4), own, strict=True)]
    first = next(iter(FORMATS))
    rows = [
        (*key, *counts, divide(counts[2], sums[*key[:2], first][2]))
        for key, counts in sorted(sums.items(), key=lambda item: item[0][1] is None)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def divide(tokens: int, others: int) -> float | None:
    """Divide, None by 0."""
    return tokens / others if others else None
