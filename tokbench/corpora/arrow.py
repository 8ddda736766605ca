"""Arrow: files and streams (`.arrow`, `.feather`, `.ipc`), and datasets that Hugging Face's `save_to_disk` wrote.

Options and choice of columns are those of Parquet. A saved dataset is a folder with `state.json`; of one with several
splits, give a split: `saved/train`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tokbench.corpora._folder import shorten
from tokbench.corpora._frames import read_frame
from tokbench.corpora._parquet_trial import try_reading
from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._records import parse_json
from tokbench.corpora._storage import is_dir, is_file, is_plain, list_folder, suffix_of
from tokbench.corpora._utf8 import read_bytes, read_head, read_text
from tokbench.errors import TokbenchError

_FILE = b"ARROW1"
_STREAM = b"\xff\xff\xff\xff"


def claims(path: Path) -> bool:
    """Claim an Arrow file or stream, and a folder with a saved dataset."""
    if is_dir(path):
        return is_file(path / "state.json") or is_file(path / "dataset_dict.json")
    if not is_file(path):
        return False
    head = read_head(path, 8)
    return head.startswith(_FILE) or (suffix_of(path) in {".arrow", ".ipc"} and head.startswith(_STREAM))


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns of the requested languages, or the texts; TokbenchError for damaged files."""
    files = [path]
    if is_dir(path):
        path = _find_split(path)
        files = _list_data(path)
    for file in files:
        if not is_plain(file):
            raise TokbenchError(f"{file} is compressed or in an archive, where Arrow cannot be read", "unpack it first")
        fault = try_reading(file, {}, None, "arrow")
        if fault is not None:
            raise _refuse(file, fault)
    frames = [read_file(file) for file in files]
    try:
        return read_frame(path, "arrow", pl.concat(frames, how="vertical").lazy(), options, languages)
    except pl.exceptions.PolarsError as error:
        raise _refuse(path, str(error).partition("\n")[0]) from error


def read_file(file: Path) -> pl.DataFrame:
    """Read an Arrow file or stream in this process, which a damaged one may end."""
    data = io.BytesIO(read_bytes(file))
    try:
        return pl.read_ipc(data) if data.getbuffer()[:6] == _FILE else pl.read_ipc_stream(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _refuse(file, str(error).partition("\n")[0]) from error


def _refuse(path: Path, reason: str) -> TokbenchError:
    return TokbenchError(f"{path} cannot be read as Arrow: {reason}", "check that the file is complete")


def _find_split(path: Path) -> Path:
    """Return the folder of a dataset, or of its only split."""
    if is_file(path / "state.json"):
        return path
    splits = [folder for folder in list_folder(path) if is_dir(folder) and is_file(folder / "state.json")]
    if len(splits) == 1:
        return splits[0]
    if not splits:
        raise TokbenchError(f"{path} holds no split of a dataset", "save it again with save_to_disk")
    raise TokbenchError(f"{path} has {len(splits)} splits", f"give one of them: {shorten(map(str, splits))}")


def _list_data(path: Path) -> list[Path]:
    """Return the data files that a saved dataset names, all of them in its folder."""
    state = parse_json(str(path / "state.json"), read_text(path / "state.json").text)
    listed = state.get("_data_files") if isinstance(state, dict) else None
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in listed or ()]
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise TokbenchError(f"{path / 'state.json'} names no data file of its folder: {name!r}", "save it again")
    if not names:
        raise TokbenchError(f"{path / 'state.json'} names no data files", "save it again with save_to_disk")
    files = [path / str(name) for name in names]
    for file in files:
        if not is_file(file):
            raise TokbenchError(f"{file}, which state.json names, is missing", "save the dataset again")
    return files
