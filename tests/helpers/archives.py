"""Small archives of corpora, and a catalogue of public corpora on a server of this machine."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from helpers.web import Web
from tokbench.corpora import _public

CORPUS = {
    "top/README": b"read me\n",
    "top/dev/eng_Latn.dev": b"one\ntwo\n",
    "top/dev/tha_Thai.dev": "หนึ่ง\nสอง\n".encode(),
    "top/devtest/eng_Latn.devtest": b"three\n",
    "top/devtest/tha_Thai.devtest": "สาม\n".encode(),
    "top/other/secret.py": b"print()\n",
}


def pack_tar(files: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    """A .tar.gz of files, and of entries without content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for info in more:
            tar.addfile(info)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def pack_zip(files: dict[str, bytes]) -> bytes:
    """A .zip of files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return stream.getvalue()


def offer_corpus(web: Web, monkeypatch: pytest.MonkeyPatch, data: bytes, more: str = "") -> None:
    """Serve an archive as the corpus `two`, with the parts `dev` and `devtest`, in the place of the shipped ones."""
    web.files["/two.tar.gz"] = data
    text = f"""
[two]
title = "Two languages"
licence = "CC0-1.0"
homepage = "http://example.org/two"
url = "{web.address}/two.tar.gz"
size = 5_000
unpacked = 2_000
files = ["README", "dev/*.dev", "devtest/*.devtest"]
folders = ["two_dataset"]
{more}
part = [
  {{ name = "dev", folder = "dev", segments = 2, languages = 2 }},
  {{ name = "devtest", folder = "devtest", segments = 1, languages = 2 }},
]
"""
    corpora = _public.read_public(text)
    monkeypatch.setattr(_public, "_shipped", lambda: corpora)
