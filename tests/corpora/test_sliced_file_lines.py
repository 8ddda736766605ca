"""Large files of lines: the same corpus as the texts in memory, whatever the lines end in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokbench.corpora import Corpus, load_corpus, read_joined
from tokbench.corpora import _sliced_file as sliced
from tokbench.corpora import lines as reader

LINES = st.sampled_from(
    ["", "a", "b c", "\u00e9", "\u4f60\u597d", "\u3000 \u3000", "\x1c", " x", "\u2028", "y\u00a0", "q\rq", "\U0001f600"]
)
ENDS = st.sampled_from(["\n", "\n", "\r\n"])


def describe(corpus: Corpus) -> list[object]:
    return [corpus.sha256, corpus.size, corpus.excluded.rows(), corpus.texts("en"), corpus.texts("de")]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(LINES, LINES), min_size=1, max_size=8),
    end=ENDS,
    block=st.integers(1, 9),
    last=st.booleans(),
)
def test_large_files_of_lines_are_the_same_corpus(
    tmp_path: Path, rows: list[tuple[str, str]], end: str, block: int, last: bool
) -> None:
    rows = [("first", "erste"), *rows, ("last", "letzte")]
    for lang, side in zip(("en", "de"), zip(*rows, strict=True), strict=True):
        (tmp_path / f"x.{lang}").write_bytes((end.join(side) + end * last).encode())
    small = load_corpus(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LARGE_BYTES", 1)
        patch.setattr(sliced, "_READ_BYTES", block)
        large = load_corpus(tmp_path)
        assert isinstance(large.columns["en"], sliced.LineFile)
        assert describe(large) == describe(small)
        for lang, column in large.columns.items():
            for start in range(large.n):
                joined = read_joined(column, start, 2)
                expected = large.texts(lang)[start : start + 2]
                assert joined.texts == expected
                assert joined.data.decode() == "".join(f"{text}\n" for text in expected)
                assert joined.sizes.tolist() == [len(text.encode()) for text in expected]
