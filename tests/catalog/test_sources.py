"""Finding and downloading: real folders and packages, and a real hub and web server on this machine."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.web import COMMIT, HF, LATER, RANKS, Web, digest, hub_source, read_record, use_catalog, use_endpoint
from helpers.web import web as web
from tokbench._shared.hashes import Record
from tokbench.catalog import network
from tokbench.catalog.entries import CATALOG
from tokbench.catalog.sources import find, locate, pull, record
from tokbench.cli.pull import run as run_pull
from tokbench.errors import CacheWarning, TokbenchError, UnavailableError

# ---- paths


def test_a_path_that_the_catalogue_knows(shared_data: Path) -> None:
    asset = find(str(shared_data / "tokenizers/llama/tokenizer.model"))
    assert (asset.name, asset.format, asset.origin) == ("llama", "sentencepiece", "path")
    assert asset.sha256 == "9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347"
    assert asset.entry is CATALOG["llama"]


def test_a_folder_as_a_path(shared_data: Path) -> None:
    asset = find(str(shared_data / "tokenizers/qwen2.5"))
    assert [file.name for file in asset.files] == ["vocab.json", "merges.txt", "tokenizer_config.json"]
    lines = sorted(f"{file.name} {digest(file.read_bytes())}\n" for file in asset.files)
    assert asset.sha256 == digest("".join(lines))
    assert asset.entry is CATALOG["qwen2.5"]


def test_a_path_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(HF)
    asset = find(str(tmp_path / "mine.json"))
    assert (asset.name, asset.format, asset.sha256, asset.entry) == ("mine", "tokenizer.json", digest(HF), None)


def test_rules_of_an_entry_for_a_path(tmp_path: Path) -> None:
    (tmp_path / "mine.tiktoken").write_bytes(RANKS)
    path = str(tmp_path / "mine.tiktoken")
    assert find(path).entry is None
    rules, known = find(path + "#cl100k_base").entry, CATALOG["cl100k_base"]
    assert rules is not None
    assert (rules.name, rules.pattern, dict(rules.special_tokens)) == (known.name, known.pattern, {})
    # Sizes, special tokens and licence are true of the known file alone.
    assert (rules.vocab_base, rules.vocab_total, rules.vocab_rows, rules.context_window, rules.licence) == (None,) * 5
    with pytest.raises(TokbenchError, match="did you mean 'cl100k_base'"):
        find(path + "#cl100k_bose")
    (tmp_path / "a#b.tiktoken").write_bytes(RANKS)
    assert find(str(tmp_path / "a#b.tiktoken")).name == "a#b"


def test_the_id_of_a_known_model_is_no_path_unless_something_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id that the hub knows Pythia by leads to the files of its tokenizer, in a folder of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(tmp_path / "tokenizers"))
    home = tmp_path / "tokenizers" / "gpt-neox-20b"
    home.mkdir(parents=True)
    (home / "tokenizer.json").write_text(HF)
    for name in ("EleutherAI/pythia-1.4b", "eleutherai/Pythia-1.4B-deduped", "EleutherAI/gpt-neox-20b", "pythia-12b"):
        found = find(name, offline=True)
        assert (found.name, found.files) == ("gpt-neox-20b", (home / "tokenizer.json",))
    with pytest.raises(UnavailableError, match=r"bloom is not available here: offline"):
        find("bigscience/bloom-560m", offline=True)
    own = tmp_path / "EleutherAI" / "pythia-1.4b"
    own.mkdir(parents=True)
    (own / "tokenizer.json").write_text(HF)
    assert find("EleutherAI/pythia-1.4b", offline=True).files == (Path("EleutherAI/pythia-1.4b/tokenizer.json"),)


def test_a_missing_path_may_be_meant_for_the_hub() -> None:
    with pytest.raises(TokbenchError, match="no file or folder EleutherAI/pythia-33m, and hf:EleutherAI"):
        find("EleutherAI/pythia-33m")
    with pytest.raises(TokbenchError, match="no such file or folder"):
        find("./nothing/here.json")


def test_a_name_in_the_working_folder_gives_way_to_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.json").write_text(HF)
    Path("utf8").write_text(HF)
    assert find("mine.json").origin == "path"
    assert find("utf8").origin == "built in"
    assert find("./utf8").origin == "path"


def test_built_in() -> None:
    asset, other = find("utf8"), find("byt5-small")
    assert (asset.format, asset.files, asset.origin, other.name) == ("bytes", (), "built in", "byt5")
    assert asset.sha256 != other.sha256
    assert locate(CATALOG["utf8"]) == "built in"


# ---- folders


def test_every_folder_of_real_tokenizers(shared_data: Path) -> None:
    for folder in sorted((shared_data / "tokenizers").iterdir()):
        asset = find(folder.name)
        assert asset.origin == locate(CATALOG[folder.name]) == "folder"
        assert asset.entry is CATALOG[folder.name]
        assert all(file.parent == folder for file in asset.files)
        assert pickle.loads(pickle.dumps(asset)) == asset
    assert find("mistral-v3").files[0].name == "mistral_instruct_tokenizer_240323.model.v3"
    assert find("whisper").files[0].name == "multilingual.tiktoken"
    assert find("moss").files[0].name == "tokenizer.derived.json"
    # entries that share the files of another look into its folder
    assert find("gpt-oss").files == find("o200k_base").files
    assert find("chatglm3-6b").files == find("chatglm2-6b").files


def test_a_changed_file_in_a_folder_is_refused(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", os.pathsep.join(["", str(tmp_path / "none"), str(tmp_path)]))
    for name, file in (("llama", "tokenizer.model"), ("falcon", "tokenizer.json")):
        source = shared_data / "tokenizers" / name / file
        (tmp_path / name).mkdir()
        data = bytearray(source.read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / name / file).write_bytes(data)
        known = CATALOG[name].sources[-1].files[0].sha256
        with pytest.raises(TokbenchError, match=f"its sha256 is {digest(bytes(data))}, expected {known}") as caught:
            find(name)
        assert str(tmp_path / name / file) in str(caught.value)
        shutil.copy(source, tmp_path / name / file)
        assert find(name).sha256 == known


def test_a_file_of_two_known_forms(tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The RWKV vocabulary has one name with two kinds of line end, both known.
    lf = (shared_data / "tokenizers/rwkv-world/rwkv_vocab_v20230424.txt").read_bytes()
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(tmp_path))
    (tmp_path / "rwkv_world").mkdir()
    for data in (lf, lf.replace(b"\n", b"\r\n")):
        (tmp_path / "rwkv_world/rwkv_vocab_v20230424.txt").write_bytes(data)
        assert find("rwkv-world").sha256 == digest(data)
    (tmp_path / "rwkv_world/rwkv_vocab_v20230424.txt").write_bytes(lf + b"\n")
    with pytest.raises(TokbenchError, match="is not the known file"):
        find("rwkv-world")


def test_a_folder_with_other_files_is_read_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(tmp_path))
    (tmp_path / "llama").mkdir()
    (tmp_path / "llama/llama-converted.json").write_text(HF)
    asset = find("llama")
    assert (asset.format, asset.origin, asset.entry) == ("tokenizer.json", "folder", CATALOG["llama"])
    assert locate(CATALOG["llama"]) == "folder"


def test_a_folder_that_the_catalogue_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(tmp_path))
    (tmp_path / "my-tok").mkdir()
    (tmp_path / "my-tok/x.json").write_text(HF)
    asset = find("my-tok")
    assert (asset.name, asset.origin, asset.entry, asset.sha256) == ("my-tok", "folder", None, digest(HF))
    for name in ("my-tak", ""):
        with pytest.raises(TokbenchError, match="no tokenizer is called"):
            find(name)


# ---- packages


def test_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mistral_common")
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    for name in ("mistral-v1", "mistral-v3", "tekken"):
        asset = find(name, offline=True)
        assert asset.origin.startswith("package mistral-common 1.")
        assert asset.sha256 == CATALOG[asset.name].sources[0].files[0].sha256
        assert pull(name) == asset


# ---- what is not here


def test_offline_opens_no_socket_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    for variable, value, flag in (
        ("HF_HUB_OFFLINE", "1", False),
        ("TRANSFORMERS_OFFLINE", "true", False),
        ("X", "", True),
    ):
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv(variable, value)
        with pytest.raises(UnavailableError) as caught:
            find("bloom", offline=flag)
        assert str(caught.value) == (
            "bloom is not available here: offline; run `tokbench pull bloom` with a network connection; "
            "or put tokenizer.json into a folder bloom inside a folder listed in TOKBENCH_TOKENIZERS"
        )
        monkeypatch.delenv(variable)
    with pytest.raises(UnavailableError, match="hf:org/name is not in the Hugging Face cache: offline"):
        find("hf:org/name", offline=True)


def test_what_can_only_come_from_a_folder(web: Web) -> None:
    with pytest.raises(UnavailableError, match=r"encrypted differences .*put tokenizer\.model into a folder belle"):
        find("belle")
    assert web.asked == []


def test_a_missing_package_is_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    source = '[[one.source]]\npackage = "no-such-package-of-ours"\nfiles = [{ name = "x" }]\n'
    use_catalog(monkeypatch, source)
    with pytest.raises(UnavailableError, match=r"pip install no-such-package-of-ours"):
        find("one")
    assert locate(CATALOG["one"]) is None


# ---- web addresses


def test_download_from_an_address(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.files["/data/x.tiktoken"] = RANKS
    file = f'{{ name = "x.tiktoken", sha256 = "{digest(RANKS)}" }}'
    use_catalog(monkeypatch, f'[[one.source]]\nurl = "{web.address}/data/"\nfiles = [{file}]\n')
    assert locate(CATALOG["one"]) is None
    asset = find("one")
    assert (asset.format, asset.origin, asset.sha256) == ("tiktoken", "url", digest(RANKS))
    assert asset.files[0].parent == Path(os.environ["TOKBENCH_CACHE"]) / "files/one"
    assert web.asked == ["HEAD /", "GET /data/x.tiktoken"]
    assert (find("one").origin, pull("one").origin, locate(CATALOG["one"])) == ("cache", "cache", "cache")
    assert len(web.asked) == 2
    asset.files[0].write_bytes(RANKS + b"Iw== 2\n")
    with pytest.raises(TokbenchError, match=r"is not the known file.*delete it and try again"):
        find("one")


def test_a_wrong_or_broken_download_leaves_nothing(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.files["/x.tiktoken"] = RANKS
    source = f'[[one.source]]\nurl = "{web.address}/"\nfiles = [{{ name = "x.tiktoken", sha256 = "{"0" * 64}" }}]\n'
    use_catalog(monkeypatch, source)
    with pytest.raises(TokbenchError, match=f"{web.address}/x.tiktoken is not the known file: .*{digest(RANKS)}"):
        find("one")
    web.broken = True
    with pytest.raises(UnavailableError, match="was cut off after 7 of 14 bytes"):
        find("one")
    web.files.clear()
    with pytest.raises(UnavailableError, match="404"):
        find("one")
    assert list((Path(os.environ["TOKBENCH_CACHE"]) / "files/one").iterdir()) == []


def test_the_first_download_is_held_to(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.files["/x.tiktoken"] = RANKS
    use_catalog(monkeypatch, f'[[one.source]]\nurl = "{web.address}/"\nfiles = [{{ name = "x.tiktoken" }}]\n')
    asset = find("one")
    record(asset)
    path = asset.files[0]
    key = f"{web.address}/x.tiktoken"
    assert read_record() == {key: {"sha256": digest(RANKS)}}
    path.unlink()
    web.files["/x.tiktoken"] = RANKS + b"Iw== 2\n"
    with pytest.raises(TokbenchError, match=f"to accept the new file, delete the entry '{key}' from"):
        find("one")
    assert not path.exists()
    path.write_bytes(web.files["/x.tiktoken"])  # found in the cache, it is held to the same hash
    with pytest.raises(TokbenchError, match=f"to accept the new file, delete the entry '{key}' from"):
        find("one")


def test_a_download_without_a_cache_is_used_and_not_kept(
    web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path / "file"))
    web.files["/x.tiktoken"] = RANKS
    use_catalog(monkeypatch, f'[[one.source]]\nurl = "{web.address}/"\nfiles = [{{ name = "x.tiktoken" }}]\n')
    with pytest.warns(CacheWarning, match="cannot be written .*: continuing without it; set TOKBENCH_CACHE") as caught:
        asset = find("one")
    assert len(caught) == 1
    assert asset.files[0].read_bytes() == RANKS
    with pytest.raises(TokbenchError, match="one was downloaded, but cannot be cached; set TOKBENCH_CACHE"):
        run_pull(["one"])


# ---- the hub


def test_download_from_the_hub(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.repositories["org/name"] = {"tokenizer.json": HF.encode(), "evil.py": b"", "pytorch_model.bin": b"x"}
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    asset = find("one")
    assert (asset.format, asset.origin, asset.sha256) == ("tokenizer.json", "hub", digest(HF))
    assert read_record() == {}
    record(asset)
    assert read_record() == {"org/name@main/tokenizer.json": {"sha256": digest(HF), "commit": COMMIT}}
    assert not [line for line in web.asked if ".py" in line or ".bin" in line]
    asked = len(web.asked)
    assert (find("one").origin, locate(CATALOG["one"]), pull("one").origin) == ("hub cache",) * 3
    assert len(web.asked) == asked
    # a new state of the repository changes nothing: the commit of the first download is asked for
    web.commit, web.repositories["org/name"]["tokenizer.json"] = LATER, HF.encode() + b" "
    assert find("one").sha256 == digest(HF)


def test_the_first_download_from_the_hub_is_held_to(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.repositories["org/name"] = {"tokenizer.json": HF.encode()}
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    asset = find("one")
    record(asset)
    cached = asset.files[0]
    cached.resolve().write_text(HF + " ")
    with pytest.raises(TokbenchError, match=r"delete the entry 'org/name@main/tokenizer.json' from .*hashes\.json"):
        find("one")


def test_a_known_hash_of_the_hub(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.repositories["org/name"] = {"original/tokenizer.model": RANKS}
    use_catalog(monkeypatch, hub_source(f'{{ name = "original/tokenizer.model", sha256 = "{digest(RANKS)}" }}'))
    assert find("one").format == "tiktoken"
    assert read_record() == {}
    use_catalog(monkeypatch, hub_source(f'{{ name = "original/tokenizer.model", sha256 = "{"0" * 64}" }}'))
    with pytest.raises(TokbenchError, match=f"its sha256 is {digest(RANKS)}, expected 0000"):
        find("one")


def test_gated(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    login = r"accept the licence at https://huggingface\.co/org/name and run `hf auth login` \(or set HF_TOKEN\)"
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    web.gated.add("org/name")
    with pytest.raises(UnavailableError, match="one is not available here: org/name on the hub is gated; " + login):
        find("one")
    # without a login the hub says 401 for what does not exist, too: the catalogue knows better
    web.gated.clear()
    with pytest.raises(UnavailableError, match="does not exist, or is private"):
        find("one")
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }', "gated = true"))
    with pytest.raises(UnavailableError, match=login):
        find("one")


def test_the_next_source_is_asked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.gated.add("org/name")
    web.files["/x.json"] = HF.encode()
    source = f'[[one.source]]\nurl = "{web.address}/"\nfiles = [{{ name = "x.json" }}]\n'
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }') + source)
    assert find("one").origin == "url"


def test_what_the_hub_lacks(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.repositories["org/name"] = {"README.md": b""}
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    with pytest.raises(UnavailableError, match=r"org/name on the hub has no file tokenizer\.json"):
        find("one")
    use_catalog(monkeypatch, hub_source('{ name = "README.md" }', 'revision = "v9"'))
    with pytest.raises(UnavailableError, match="org/name on the hub has no revision v9"):
        find("one")


def test_a_repository_by_its_id(web: Web) -> None:
    vocab = json.dumps({"a": 0, "b": 1}).encode()
    web.repositories["org/name"] = {
        "README.md": b"",
        "vocab.json": vocab,
        "merges.txt": b"#version: 0.2\na b\nb a\n",
        "added_tokens.json": b'{"<x>": 2}',
        "modeling.py": b"raise SystemExit",
    }
    asset = find("hf:org/name")
    assert (asset.name, asset.format, asset.origin, asset.entry) == ("org/name", "vocab+merges", "hub", None)
    assert [file.name for file in asset.files] == ["vocab.json", "merges.txt", "added_tokens.json"]
    again = find("hf:org/name", offline=True)
    assert (again.origin, again.sha256, again.files) == ("hub cache", asset.sha256, asset.files)
    assert pull("hf:org/name") == again
    assert not [line for line in web.asked if ".py" in line]


def test_a_repository_is_read_with_the_companion_files_that_count(web: Web) -> None:
    repeats = b'{"added_tokens_decoder": {}, "model_max_length": 2048}'
    web.repositories["org/name"] = {"tokenizer.json": HF.encode(), "tokenizer_config.json": repeats}
    asset = find("hf:org/name")
    assert [file.name for file in asset.files] == ["tokenizer.json"]
    adds = b'{"pad_token": "<pad>"}'
    web.repositories["org/other"] = {"tokenizer.json": HF.encode(), "special_tokens_map.json": adds}
    other = find("hf:org/other")
    assert [file.name for file in other.files] == ["tokenizer.json", "special_tokens_map.json"]
    assert other.sha256 != asset.sha256
    again = find("hf:org/other", offline=True)
    assert (again.origin, again.sha256) == ("hub cache", other.sha256)


def test_a_repository_of_the_catalogue_by_its_id(web: Web) -> None:
    web.repositories["EleutherAI/gpt-neox-20b"] = {"tokenizer.json": HF.encode(), "vocab.json": b"{}"}
    asset = find("hf:EleutherAI/gpt-neox-20b@main")
    assert (asset.format, asset.name) == ("tokenizer.json", "EleutherAI/gpt-neox-20b@main")
    assert find("hf:EleutherAI/gpt-neox-20b").entry is CATALOG["gpt-neox-20b"]


def test_a_repository_that_cannot_be_read(web: Web) -> None:
    web.repositories["org/name"] = {"model.safetensors": b"", "tokenizer.py": b""}
    with pytest.raises(TokbenchError, match="org/name on the hub has no supported tokenizer file"):
        find("hf:org/name")
    with pytest.raises(UnavailableError, match="org/other on the hub does not exist"):
        find("hf:org/other")
    with pytest.raises(TokbenchError, match=r"not of the form hf:org/name\[@revision\]"):
        find("hf:org/name/too/much")


def test_a_damaged_record(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Path(os.environ["TOKBENCH_CACHE"]) / "hashes.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    for content in (b"", b"\xff", b"{", b"[]", b'{"a": 1}', b'{"a": {}}', b'{"a": {}, "a": {}}', b"[" * 100_000):
        record.write_bytes(content)
        with pytest.raises(TokbenchError, match=r"hashes\.json, the record of downloaded files, is damaged"):
            find("one")
        assert record.read_bytes() == content


def test_no_bit_of_the_record_can_change_unnoticed(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("first", "second")]
    record = Record(tmp_path / "hashes.json")
    for file in files:
        file.write_text(file.name)
        record.hold(file.name, file, COMMIT)
    refused = 0
    whole = record.path.read_bytes()
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        record.path.write_bytes(flipped)
        try:
            for file in files:
                record.hold(file.name, file, COMMIT)
                assert record.commit(file.name) == COMMIT
        except TokbenchError:
            refused += 1
        assert record.path.read_bytes() == flipped
    assert refused == 8 * len(whole)


def test_a_record_of_an_older_version_is_held_to(tmp_path: Path) -> None:
    """Its entries carry no digest of their own."""
    file = tmp_path / "file"
    file.write_bytes(RANKS)
    record = Record(tmp_path / "hashes.json")
    record.path.write_text(json.dumps({"key": {"sha256": digest(RANKS)}}))
    record.hold("key", file)
    file.write_bytes(RANKS + b"Iw== 2\n")
    with pytest.raises(TokbenchError, match="to accept the new file, delete the entry 'key' from"):
        record.hold("key", file)


# ---- no network


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Each wait for a host that was asked for, in seconds; a silent one is given up after one second."""
    asked: list[float] = []

    class Watched(network.Probe):
        def join(self, timeout: float | None = None) -> None:
            asked.append(timeout or 0.0)
            super().join(timeout)

    monkeypatch.setattr(network, "Probe", Watched)
    monkeypatch.setattr(network, "LIMITS", replace(network.LIMITS, probe=1.0))
    return asked


def test_a_silent_network_is_waited_for_once(web: Web, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """Hosts that take a connection and never answer: the first takes the whole time, all others a tenth of a second."""
    with socket.create_server(("127.0.0.1", 0)) as hub, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [s.getsockname()[1] for s in (hub, other)]
        use_endpoint(monkeypatch, f"http://127.0.0.1:{ports[0]}")
        source = f'[[one.source]]\nurl = "http://127.0.0.1:{ports[1]}/"\nfiles = [{{ name = "x" }}]\n'
        use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }') + source)
        for _ in range(3):
            with pytest.raises(UnavailableError, match=rf"no network \(127\.0\.0\.1:{ports[0]}: .*{ports[1]}: "):
                find("one")
        with pytest.raises(UnavailableError, match="no network"):
            find("hf:org/name")
    assert waits[0] == 1
    assert waits[1:] == pytest.approx([0.1] * 6, abs=0.05)
    assert len(network._network.probes) == 2
    for probe in network._network.probes.values():
        probe.join(6)


def test_a_closed_network_costs_nothing(web: Web, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    use_endpoint(monkeypatch, f"http://127.0.0.1:{port}")
    # That it refused is known only where the wait for its answer ended before its time.
    with pytest.raises(UnavailableError, match=r"bloom is not available here: no network.*refused"):
        find("bloom")
    assert len(waits) == 1


def test_a_fresh_process_obeys_the_environment(tmp_path: Path) -> None:
    code = "from tokbench.catalog.sources import find\nfind('bloom')"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKBENCH_TOKENIZERS": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "UnavailableError: bloom is not available here: offline" in done.stderr
