"""Count the texts of a corpus by the counting API of a closed model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing

from tokbench._shared.environment import Now, now
from tokbench.adapters import CountedTokenizer
from tokbench.catalog.count_record import Count, CountRecord, hash_text
from tokbench.catalog.count_requests import CountRequests, count_each
from tokbench.catalog.counting_apis import CountingModel, parse_counting_model
from tokbench.catalog.locations import is_offline
from tokbench.catalog.network import find_fault
from tokbench.corpora import Corpus, TextsByLanguage
from tokbench.errors import TokbenchError, UnavailableError
from tokbench.measurement.recorded import make_corpus

PROBES = ("a", "0", ".")
"""Texts of one character: what the API counts beyond one token for the cheapest is the message around a text."""

MOST_REQUESTS = 5_000
"""The default limit of requests: enough for the bundled corpus."""

CountStep = Callable[[str, int, int], None]
"""Called after each counted text: model, texts counted so far, texts to count."""


def ignore_count(model: str, counted: int, total: int) -> None:
    """Show no progress."""


def count_by_api(
    model: str,
    texts: Corpus | TextsByLanguage | Sequence[str],
    *,
    allow_upload: bool = False,
    max_requests: int = MOST_REQUESTS,
    offline: bool = False,
    on_step: CountStep = ignore_count,
    today: Now = now,
) -> CountedTokenizer:
    """Count texts by a provider's counting API, and return the counts as a tokenizer for `compare` and `measure`.

    model: `anthropic:MODEL` or `gemini:MODEL`. The key is read from ANTHROPIC_API_KEY, or from GOOGLE_API_KEY or
        GEMINI_API_KEY.
    texts: a corpus, texts by language, or texts.
    allow_upload: whether texts may be sent to the provider. Texts that were counted before are not sent again: their
        counts are in the cache, by hash of the text.
    max_requests: the most requests to send, including those repeated after an error.
    on_step: called after each text that was sent.

    The overhead of a message is counted with three texts of one character, and subtracted. Each count is recorded at
    once, so that interrupting loses nothing. Raises UnavailableError if texts would have to be sent and may not be,
    without a key, and if the API cannot be reached or refuses.
    """
    named = parse_counting_model(model)
    record = CountRecord.open(named)
    corpus = make_corpus(texts, "und")
    used = {hash_text(text): text for lang in corpus.languages for text in corpus.texts(lang) if text}
    needed = {**{hash_text(probe): probe for probe in PROBES}, **used}
    missing = [text for key, text in needed.items() if key not in record.counts]
    if missing:
        check_upload(named, missing, allow_upload=allow_upload, max_requests=max_requests, offline=offline)
        requests = CountRequests(named, named.read_key(), max_requests)
        if fault := find_fault(named.address):
            raise UnavailableError(f"{named.name} cannot be counted: {fault}", "try again later")
        counted = 0
        with record.adding() as writer:
            # The probes first: a wrong key or model is refused before any text of the user is sent.
            for batch in split_probes(missing):
                with closing(count_each(requests, batch)) as counts:  # closed, it stops asking, also after Ctrl-C
                    for text, tokens in counts:
                        writer.add(text, Count(tokens, today().strftime("%Y-%m-%d")))
                        counted += 1
                        on_step(named.name, counted, len(missing))
    found = {key: record.counts[key] for key in needed}
    return CountedTokenizer(named, found, find_overhead(found))


def check_upload(
    model: CountingModel, texts: Collection[str], *, allow_upload: bool, max_requests: int, offline: bool
) -> None:
    """Raise UnavailableError unless these texts may be sent, TokbenchError if they are more than the limit."""
    size = sum(len(text.encode()) for text in texts)
    amount = f"{len(texts):,} text{'s' * (len(texts) != 1)} ({size:,} bytes)"
    if offline or is_offline():
        raise UnavailableError(f"{model.name} needs {model.host} to count {amount}: offline")
    if not allow_upload:
        raise UnavailableError(
            f"{model.name}: {amount} would be sent to {model.host}",
            "to send them, add --allow-upload (in Python: count_by_api(..., allow_upload=True))",
        )
    if len(texts) > max_requests:
        raise TokbenchError(
            f"{model.name}: {amount} need one request each, the limit is {max_requests:,}",
            "raise --max-requests, or use fewer texts (-n)",
        )


def split_probes(texts: Sequence[str]) -> list[list[str]]:
    """Split texts into the probes and the others, without empty parts."""
    parts = [[text for text in texts if text in PROBES], [text for text in texts if text not in PROBES]]
    return [part for part in parts if part]


def find_overhead(counts: Mapping[str, Count]) -> int:
    """Return the tokens that the API counts beyond the text itself.

    A text that is not empty has at least one token, and in nearly every vocabulary one of the probes is one token.
    """
    return max(0, min(counts[hash_text(probe)].tokens for probe in PROBES) - 1)
