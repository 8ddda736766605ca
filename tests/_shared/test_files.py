"""JSON objects are read in one way: what is wrong with the file is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokbench._shared.files import read_json_object
from tokbench._shared.hashes import sha256_of
from tokbench.errors import TokbenchError


def test_an_object_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1, "a": 2}')
    assert read_json_object(path) == {"a": 2}
    with pytest.raises(TokbenchError, match=r"x\.json is damaged: the key 'a' is repeated"):
        read_json_object(path, unique_keys=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[]", "contains no JSON object"),
        (b'{"a": ', "is damaged: Expecting value: line 1"),
        (b'{"\xff": 1}', "is damaged: byte 2 is not UTF-8"),
        (b"[" * 100_000, "is damaged: .*recursion"),
        (None, "cannot read .*: No such file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TokbenchError, match=reason):
        read_json_object(path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that opens and cannot be read is on Linux")
def test_a_file_that_opens_and_cannot_be_read() -> None:
    with pytest.raises(TokbenchError, match="mem cannot be read: Input/output error"):
        sha256_of(Path("/proc/self/mem"))
