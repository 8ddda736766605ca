"""The contract of a tokenizer, as a check."""

from __future__ import annotations

import numpy as np

from tokbench import Tokenizer


def check_contract(tokenizer: Tokenizer, texts: list[str]) -> None:
    """What every adapter promises, on some texts."""
    batch = tokenizer.encode_batch(texts)
    assert batch.ids.dtype == np.int32
    assert batch.offsets.dtype == np.int64
    assert len(batch) == len(texts)
    assert batch.offsets[0] == 0
    assert batch.offsets[-1] == len(batch.ids)
    assert (np.diff(batch.offsets) >= 0).all()
    assert tokenizer.count_batch(texts).tolist() == batch.counts.tolist()
    if len(batch.ids):
        assert 0 <= batch.ids.min() <= batch.ids.max() < tokenizer.vocab_total
    for text, ids in zip(texts, batch, strict=True):
        assert tokenizer.encode_batch([text]).ids.tolist() == ids.tolist(), "a text's ids depend on its neighbours"
    decoded = tokenizer.decode_batch(batch)
    assert [tokenizer.decode(ids.tolist()) for ids in batch] == decoded
    table = tokenizer.token_table()
    assert len(table) == tokenizer.vocab_total
    for text, ids, back in zip(texts, batch, decoded, strict=True):
        content = [tokenizer.token_bytes(int(token)) for token in ids]
        assert content == [table[int(token)] for token in ids]
        if (
            tokenizer.prefix is not None
            and None not in content
            and b"".join(filter(None, content)) == tokenizer.prefix + text.encode()
        ):
            assert back == text, "the bytes of the ids are the text, but decoding does not give it back"
