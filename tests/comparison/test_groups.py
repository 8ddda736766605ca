"""Comparisons on groups of texts and on mixtures: facts, signature, saved form, errors."""

from __future__ import annotations

from pathlib import Path

import pytest

import tokbench as tb
from helpers.corpora import write_corpus
from tokbench.comparison import Comparison
from tokbench.comparison.signature import read_signature
from tokbench.corpora import TextGroups
from tokbench.errors import TokbenchError

TEXTS = {"code": ["x = 1\n", "y = 22\n", "z\n"], "prose": ["One.", "Two words.", "Ünder", "more"]}


def make(**options: object) -> Comparison:
    groups = TextGroups.from_texts(TEXTS, "made")
    return tb.compare(["utf8", "byt5"], groups, throughput=False, **options)  # type: ignore[arg-type]


def test_facts_of_groups() -> None:
    result = make(baseline="utf8")
    corpus = result.corpus
    assert (corpus.aligned, corpus.reference, corpus.segments) == (False, None, 7)
    assert corpus.sizes == {"code": 3, "prose": 4}
    assert (corpus.texts, corpus.count_segments("prose")) == (7, 4)
    assert corpus.describe_size() == "2 groups, 7 segments"
    assert repr(result) == "<Comparison of 2 tokenizers on made (2 groups, 7 segments)>"
    assert result.examples == ()
    assert result.differences.height == 3
    assert result.by_language("bytes_per_token")["utf8"].to_list() == [1.0, 1.0]
    assert result.by_language("premium")["utf8"].to_list() == [None, None]
    assert read_signature(result.signature())["pairs"] == "none"
    with pytest.raises(TokbenchError, match="premiums need parallel text"):
        result.premiums("code")
    with pytest.raises(TokbenchError, match="made is not parallel: there is no reference language"):
        make(reference="code")


@pytest.mark.parametrize("weights", [None, {"code": 3, "prose": 1}])
def test_saved_and_loaded_again(tmp_path: Path, weights: dict[str, float] | None) -> None:
    result = make(weights=weights)
    result.save(tmp_path)
    loaded = tb.load(tmp_path)
    assert loaded.corpus == result.corpus
    assert loaded.signature() == result.signature()
    assert loaded.frame.equals(result.frame)
    document = result.to_document()
    assert Comparison.from_document(document).corpus == result.corpus
    again = Comparison.from_measurements(
        result.measurements,  # type: ignore[arg-type]
        TextGroups.from_texts(TEXTS, "made"),
        weights=weights,
    )
    assert again.by_language("bytes_per_token").equals(
        result.by_language("bytes_per_token").select("lang", "byt5", "utf8")
    )
    unnamed = Comparison.from_measurements(result.measurements)  # type: ignore[arg-type]
    assert unnamed.corpus.sizes == {"code": 3, "prose": 4}
    assert unnamed.corpus.reference is None


def test_the_document_of_a_parallel_corpus_has_no_fields_of_groups(tmp_path: Path) -> None:
    result = tb.compare(["utf8"], write_corpus(tmp_path / "p", en=["a"], de=["b"]), throughput=False)
    assert not {"aligned", "sizes", "parts", "shares"} & set(result.to_document()["corpus"])
    assert "pairs" not in result.signature()
    assert "mix" not in result.signature()


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("sizes", {"code": 3}, "not a size for each group"),
        ("sizes", {"code": 3, "prose": -1}, "-1 is not a count"),
        ("shares", {"other": 1.0}, "'other' is not in this comparison"),
        ("shares", {"code": 2.0}, "a share is not between 0 and 1"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(field: str, value: object, fault: str) -> None:
    document = make().to_document()
    document["corpus"][field] = value
    with pytest.raises(ValueError, match=fault):
        Comparison.from_document(document)


def test_weights_are_in_the_signature_and_must_be_of_the_corpus() -> None:
    result = make(weights={"code": 3, "prose": 1})
    assert result.corpus.shares == {"code": 0.75, "prose": 0.25}
    assert read_signature(result.signature())["mix"] == "code=0.75,prose=0.25"
    # Bytes per segment of the mixture: 1 / (0.75 * 3 / 15 + 0.25 * 4 / 24).
    length = result.frame.filter(metric="tokens_per_segment", tokenizer="utf8")
    (over_all,) = (row["value"] for row in length.to_dicts() if row["lang"] is None)
    assert over_all == pytest.approx(1 / (0.75 * 3 / 15 + 0.25 * 4 / 24), rel=1e-12)
    with pytest.raises(TokbenchError, match="made has no 'en' to weigh; it has: code, prose"):
        make(weights={"en": 1})


def test_several_corpora_in_a_list(tmp_path: Path) -> None:
    write_corpus(tmp_path / "news", en=["one", "two"])
    write_corpus(tmp_path / "talks", en=["hello"])
    result = tb.compare(["utf8"], [tmp_path / "news", tmp_path / "talks"], throughput=False)
    assert result.corpus.languages == ("news/en", "talks/en")
    assert result.corpus.parts == ("news", "talks")


def test_cost_of_groups_has_no_premiums() -> None:
    from tokbench.pythia.cost import cost

    costs = cost(make(), model="pythia-70m", new_tokens=1)
    rows = costs.frame.filter(tokenizer="utf8", quantity="tokens", per="request")
    assert rows.select("lang", "value", "n").rows() == [("code", 5.0, 3), ("prose", 6.0, 4), (None, 5.5, 7)]
    assert rows["low"].null_count() == 0
    assert costs.frame["premium"].null_count() == costs.frame.height
    assert costs.reference is None
    assert costs.frame["tokenizer"].unique(maintain_order=True).to_list() == ["utf8", "byt5"]
