"""Checks of calls: the same text must have the same ids, however it is encoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tokbench._shared.environment import Clock
from tokbench._shared.visible_text import reveal
from tokbench.adapters import EncodedBatch
from tokbench.adapters.selection import find_mismatch
from tokbench.analysis.roundtrip import shrink
from tokbench.analysis.soundness._declarations import find_dropout
from tokbench.analysis.soundness._subject import Subject
from tokbench.analysis.soundness._verdict import Finding, Severity, list_some, passed

THREADS = 4
_FACTOR = 1.6
"""Exponent of time over length above which time is not in proportion: it is 1 for linear time, 2 for quadratic."""
_SPAN = 8
"""Least ratio of lengths between which growth is judged."""
_LEAST, _MOST, _HOPELESS = 2e-3, 1.0, 10.0
"""Seconds of a run that are long enough to be judged, long enough to stop if it can be, and to stop in any case."""
_SIZES = tuple(125 * 2**doubling for doubling in range(11))
_REPEATS = 3
RUNS = {
    "letters": "a",
    "spaces": " ",
    "line feeds": "\n",
    "digits": "0123456789",
    "signs": "=",
    "ideographs": "".join(map(chr, range(0x4E00, 0x4E00 + 500))),
    "emoji": "\U0001f600",
    "accents": "e\u0301",
}
"""Input that is hard to split: what is repeated, by name."""

Encode = Callable[[Sequence[str]], EncodedBatch]


def check_repeats(subject: Subject) -> Finding:
    """Encode texts twice; a declared dropout makes ids random in libraries that honour it."""
    dropout = find_dropout(subject)
    if dropout is not None:
        return Finding(
            Severity.ERROR,
            f"its file declares a dropout of {dropout:g}: libraries that honour it give random ids (it is off here)",
        )
    encode = subject.tokenizer.encode_batch
    return compare_calls(encode(subject.texts), encode(subject.texts), subject.texts, "a second call gives")


def check_batches(subject: Subject) -> Finding:
    """Encode texts together, alone and in reverse order."""
    encode = subject.tokenizer.encode_batch
    return compare_batches(encode, subject.texts)


def compare_batches(encode: Encode, texts: Sequence[str]) -> Finding:
    """Encode texts together, alone and in reverse order."""
    together = encode(texts)
    alone = EncodedBatch.from_arrays([encode([text]).ids for text in texts])
    finding = compare_calls(together, alone, texts, "alone it gives")
    if finding.severity is not Severity.PASSED:
        return finding
    backwards = EncodedBatch.from_arrays([*encode(texts[::-1])][::-1])
    return compare_calls(together, backwards, texts, "in another order it gives")


def check_threads(subject: Subject) -> Finding:
    """Encode texts on several threads at once."""
    return compare_threads(subject.tokenizer.encode_batch, subject.texts)


def compare_threads(encode: Encode, texts: Sequence[str]) -> Finding:
    """Encode all texts on each of several threads at once, from different starting points."""
    expected = encode(texts)
    starts = [len(texts) * number // THREADS for number in range(THREADS)]

    def run(start: int) -> EncodedBatch:
        turned = [*texts[start:], *texts[:start]]
        ids = [*encode(turned)]
        return EncodedBatch.from_arrays([*ids[len(texts) - start :], *ids[: len(texts) - start]])

    with ThreadPoolExecutor(THREADS) as pool:
        for got in pool.map(run, starts):
            finding = compare_calls(expected, got, texts, f"on {THREADS} threads at once it gives")
            if finding.severity is not Severity.PASSED:
                return finding
    return passed(f"{len(texts):,} texts have the same ids on {THREADS} threads at once")


def compare_calls(expected: EncodedBatch, got: EncodedBatch, texts: Sequence[str], how: str) -> Finding:
    """Return the finding on two encodings of the same texts, which must be equal."""
    mismatch = find_mismatch(expected, got, texts)
    if mismatch is None:
        return passed(f"{len(texts):,} texts have the same ids each time")
    text = texts[mismatch.text]
    return Finding(
        Severity.ERROR,
        f"{how} other ids: {list(mismatch.got)} instead of {list(mismatch.expected)} at token {mismatch.token}",
        text,
    )


def check_failures(subject: Subject) -> Finding:
    """Encode the common hard texts: none may make the engine fail."""
    from tokbench.adapters._hard_texts import common_texts

    every = common_texts()
    failing = sorted(set(every) - set(subject.texts), key=lambda text: (len(text), text))
    if not failing:
        return passed(f"its engine encodes {len(every):,} hard texts without an error")
    smallest = shrink(failing[0], lambda text: not subject.is_encodable(text))
    return Finding(Severity.ERROR, f"its engine fails on {len(failing):,} of {len(every):,} hard texts", smallest)


def check_long_runs(subject: Subject) -> Finding:
    """Encode ever longer runs of one character, and compare the growth of time with that of length."""
    return judge_growth(lambda text: subject.tokenizer.encode_batch([text]), subject.clock)


def judge_growth(encode: Callable[[str], object], clock: Clock) -> Finding:
    """Return whether time grows in proportion to length on each kind of run.

    The exponent of time over length must be below 1.6 over lengths that differ by a factor of 8 or more: noise would
    have to change a time by a factor of 3.5 in each of three repeats to change the verdict.
    """
    slow = {name: piece for name, piece in RUNS.items() if grows(encode, piece, clock)}
    if not slow:
        return passed(
            f"time grows in proportion to length on {len(RUNS)} kinds of runs of up to {_SIZES[-1]:,} characters"
        )
    piece = next(iter(slow.values()))
    return Finding(
        Severity.WARNING,
        f"time grows much more than in proportion to length on runs of {list_some(slow)}",
        reveal(piece[:10]),
        "repeated",
    )


def grows(encode: Callable[[str], object], piece: str, clock: Clock) -> bool:
    """Return whether the time of a run grows much more than in proportion to its length."""
    import math

    times: list[tuple[int, float]] = []
    for size in _SIZES:
        taken = time_run(encode, piece, size, clock, 1)
        if taken >= _LEAST:
            times.append((size, taken))
        if taken > _HOPELESS or (taken > _MOST and size >= _SPAN * times[0][0]):
            break
    if not times or times[-1][0] < _SPAN * times[0][0]:
        return bool(times) and times[-1][1] > _HOPELESS  # too short to be judged, and soon too long
    (short, first), (long, last) = times[0], times[-1]
    if math.log(last / first) < _FACTOR * math.log(long / short):
        return False
    first, last = (time_run(encode, piece, size, clock, _REPEATS) for size in (short, long))
    return math.log(last / first) >= _FACTOR * math.log(long / short)


def time_run(encode: Callable[[str], object], piece: str, size: int, clock: Clock, repeats: int) -> float:
    """Return the least time of some runs of one length, each of another text."""
    least = float("inf")
    for shorter in range(repeats):
        text = (piece * (size // len(piece) + 1))[: size - shorter]
        start = clock()
        encode(text)
        least = min(least, clock() - start)
    return max(least, 1e-9)
