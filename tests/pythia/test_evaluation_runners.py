"""Scores of continuations and generation up to the end of the text, on each backend against a forward pass in numpy."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from helpers.neox import forward, log_softmax
from helpers.pretrained import make_pretrained
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import Runner, run
from tokbench.pythia.backends._evaluation import EvaluationRunner, ScoredEnd, require_evaluation, score_end_of_logits
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.model.architecture import Architecture

SMALL = Architecture(layers=2, width=64, heads=4, vocab_rows=402, context=64)
TOLERANCE = {"ctranslate2": 1e-4, "llamacpp": 5e-3, "transformers": 1e-4}
"""Nats per token; llama.cpp's GELU is a table of 16-bit values."""
TYPES = {"ctranslate2": "float32", "llamacpp": "f16", "transformers": "float32"}
LIBRARIES = {"ctranslate2": "ctranslate2", "llamacpp": "xllamacpp", "transformers": "torch"}
IDS = [0, 5, 9, 33, 77, 120, 300, 44, 251, 0, 13, 199]

pytestmark = pytest.mark.skipif(find_spec("safetensors") is None, reason="not installed: safetensors")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return make_pretrained(SMALL, tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def log_probs(small: Checkpoint) -> np.ndarray:
    return log_softmax(forward(small, IDS))


@pytest.fixture(scope="module", params=list(TYPES))
def named(request: pytest.FixtureRequest, small: Checkpoint) -> Iterator[tuple[str, EvaluationRunner]]:
    backend = request.param
    if find_spec(LIBRARIES[backend]) is None:
        pytest.skip(f"not installed: {LIBRARIES[backend]}")
    loaded = run(small, backend, TYPES[backend], threads=1)
    yield backend, require_evaluation(loaded, backend)
    loaded.close()


def test_the_last_ids_are_scored_as_in_the_forward_pass(
    named: tuple[str, EvaluationRunner], log_probs: np.ndarray
) -> None:
    backend, runner = named
    for count in (1, 4, len(IDS) - 1):
        found = runner.score_end(IDS, count)
        first = len(IDS) - count
        expected = [log_probs[i - 1, IDS[i]] for i in range(first, len(IDS))]
        np.testing.assert_allclose(found.log_probs, expected, atol=TOLERANCE[backend])
        assert found.greedy.tolist() == [bool(log_probs[i - 1].argmax() == IDS[i]) for i in range(first, len(IDS))]
    np.testing.assert_allclose(runner.score(IDS), runner.score_end(IDS, len(IDS) - 1).log_probs, atol=1e-5)
    assert runner.score([7]).tolist() == []


def test_greedy_ids_are_found_greedy(named: tuple[str, EvaluationRunner], log_probs: np.ndarray) -> None:
    best = int(log_probs[5].argmax())
    assert named[1].score_end([*IDS[:6], best], 1).greedy.tolist() == [True]


def test_tokens_that_end_within_a_character_have_scores_too(
    named: tuple[str, EvaluationRunner], log_probs: np.ndarray
) -> None:
    """The ids of single bytes from 0xC0 on are incomplete characters, for which llama.cpp answers without scores."""
    backend, runner = named
    for following in (125, 160, 180):
        (found,) = runner.score_end([*IDS[:4], following], 1).log_probs
        assert found == pytest.approx(log_probs[3, following], abs=TOLERANCE[backend])


def test_the_last_id_may_be_beyond_the_context_and_no_other(named: tuple[str, EvaluationRunner]) -> None:
    backend, runner = named
    most = SMALL.context - (backend == "llamacpp")  # which needs room for a new token
    ids = [1 + i % 300 for i in range(most + 1)]
    assert runner.score_end(ids, 3).log_probs.shape == (3,)
    with pytest.raises(TokbenchError, match="context of 64"):
        runner.score_end([*ids, 1], 3)
    for count in (0, len(ids), -1):
        with pytest.raises(TokbenchError, match=f"{count} of {len(ids)} ids cannot be scored"):
            runner.score_end(ids, count)


def test_results_do_not_depend_on_what_was_scored_before(named: tuple[str, EvaluationRunner]) -> None:
    _, runner = named
    first = runner.score_end(IDS, 5).log_probs
    runner.score_end([*IDS[:8], 9, 9, 9], 2)
    np.testing.assert_array_equal(runner.score_end(IDS, 5).log_probs, first)


def test_generation_ends_with_the_text(named: tuple[str, EvaluationRunner], small: Checkpoint) -> None:
    """Continued greedily, the numpy way; the id 0 ends the text and is left out."""
    _, runner = named
    for prompt in ([5, 9, 33], [77], [300, 13]):
        expected: list[int] = []
        while len(expected) < 6:
            best = int(forward(small, [*prompt, *expected])[-1].argmax())
            if best == 0:
                break
            expected.append(best)
        assert runner.complete(prompt, 6, [0]) == expected


def test_generation_stops_at_once_where_the_text_ends(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    ending = make_pretrained(SMALL, tmp_path / "ending")
    (file,) = ending.weight_files
    weights = load_file(file)
    weights["embed_out.weight"][:] = 0
    weights["gpt_neox.final_layer_norm.weight"][:] = 0
    weights["gpt_neox.final_layer_norm.bias"][:] = 1
    weights["embed_out.weight"][0] = 1  # the end of the text is always best
    save_file(weights, file, {"format": "pt"})
    for backend, library in LIBRARIES.items():
        if find_spec(library) is None:
            continue
        loaded = run(ending, backend, TYPES[backend], threads=1)
        runner = require_evaluation(loaded, backend)
        assert runner.complete([5, 9], 4, [0]) == []
        assert len(loaded.generate([5, 9], 4)[0]) == 4
        loaded.close()


def test_scores_of_logits_worked_out_by_hand() -> None:
    logits = np.log(np.array([[1, 2, 5], [4, 4, 2]], np.float32))
    found = score_end_of_logits(logits, [2, 1])
    np.testing.assert_allclose(np.exp(found.log_probs), [5 / 8, 4 / 10], rtol=1e-6)
    assert found.greedy.tolist() == [True, False]  # of equal ones, the first
    huge = score_end_of_logits(np.array([[3e38, -3e38]], np.float32), [0])
    assert huge.log_probs.tolist() == [0.0]
    assert isinstance(huge, ScoredEnd)


def test_a_backend_that_cannot_is_named() -> None:
    class Plain:
        def close(self) -> None: ...

    plain: Runner = Plain()  # type: ignore[assignment]
    with pytest.raises(TokbenchError, match="the backend other cannot be evaluated"):
        require_evaluation(plain, "other")
