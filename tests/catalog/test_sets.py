"""Named sets of tokenizers, and names of models: what they expand to, and where they are accepted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tiktoken.model import MODEL_TO_ENCODING

from helpers.commands import USAGE, run
from tokbench.catalog.entries import CATALOG, find_name
from tokbench.catalog.locations import is_hub_argument, means_path
from tokbench.catalog.sets import DEFAULT, SetMember, expand_sets, list_sets
from tokbench.catalog.sources import find, locate
from tokbench.errors import TokbenchError, UnavailableError
from tokbench.measurement.loading import DEFAULT_TOKENIZERS, resolve_requests


def test_sets_are_of_the_catalogue() -> None:
    sets = list_sets()
    assert {"default", "2023", "openai", "open-2026", "multilingual"} < set(sets)
    assert list(sets)[-1] == "all"
    assert sets["all"].tokenizers == tuple(CATALOG)
    for name, one in sets.items():
        assert set(one.tokenizers) <= set(CATALOG), name
        assert len(set(one.tokenizers)) == len(one.tokenizers), name


def test_the_default_set_comes_with_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("splintr")
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    assert DEFAULT_TOKENIZERS == (DEFAULT,)
    members = list_sets()["default"].tokenizers
    core = [name for name in members if CATALOG[name].engine or any(one.rebuilt for one in CATALOG[name].sources)]
    assert len([name for name in core if not CATALOG[name].engine]) >= 12
    assert {"o200k_base", "cl100k_base", "llama3", "gpt-neox-20b"} <= set(core)
    assert all(locate(CATALOG[name]) for name in core)
    here = [locate(CATALOG[name]) is not None for name in members]
    assert here == sorted(here, reverse=True)  # those that must be downloaded come last


def test_the_set_of_2023_stays_as_its_figures_were_made() -> None:
    assert expand_sets(["@2023"]) == [
        *("llama", "belle", "moss", "p50k_base", "cl100k_base", "bloom", "chatglm-6b", "gpt-neox-20b"),
        *("mistral-v1", "mistral-v3", "mistral-tekken", "rwkv-world", "byt5"),
    ]


def test_expansion() -> None:
    assert expand_sets([]) == []
    assert expand_sets(["llama3", "llama3"]) == ["llama3", "llama3"]  # said twice, and refused later
    expanded = expand_sets(["gpt-4", "@openai", "utf8", "@openai"])
    assert expanded == ["gpt-4", "r50k_base", "p50k_base", "o200k_base", "utf8"]  # gpt-4 is cl100k_base
    assert [isinstance(name, SetMember) for name in expanded] == [False, True, True, True, False]
    one = object()
    assert expand_sets([one, Path("@openai")]) == [one, Path("@openai")]


def test_sets_of_the_user() -> None:
    own = {"mine": ["@small", "./a.json", "llama3"], "small": ["utf8", "llama3"], "openai": ["gpt-5"]}
    assert expand_sets(["@mine", "@openai"], own) == ["utf8", "llama3", "./a.json", "gpt-5"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("@opnai", "no set is called @opnai; did you mean @openai?"),
        ("@zzz", "no set is called @zzz; there are @default, @openai, .*@all, @mine, @other"),
        ("@", "no set is called @; there are"),
        ("@mine", "the set @mine contains itself: @mine > @other > @mine; remove it from one"),
    ],
)
def test_wrong_sets(name: str, error: str) -> None:
    with pytest.raises(TokbenchError) as caught:
        expand_sets([name], {"mine": ["@other"], "other": ["utf8", "@mine"]})
    assert re.match(error, str(caught.value))


def test_members_that_are_not_here_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    requests, skipped = resolve_requests(
        ["utf8", SetMember("bloom"), SetMember("byt5")], skip_missing=False, offline=True
    )
    assert [request.name for request in requests] == ["utf8", "byt5"]
    assert [one.name for one in skipped] == ["bloom"]
    with pytest.raises(UnavailableError, match="bloom is not available here"):
        resolve_requests(["utf8", "bloom"], skip_missing=False, offline=True)


# ---- commands


def test_commands_take_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    monkeypatch.setattr("tokbench.catalog.rebuilding.find_version", lambda _: None)
    result = run("encode", "@multilingual", "@2023", "é", COLUMNS="200")
    assert result.returncode == 0
    assert "byt5: 2 tokens" in result.stdout
    assert result.stderr.startswith("tokbench: not available here: o200k_base, gemma-3, ")
    assert "bloom" in result.stderr
    assert run("encode", "@openai", "é").stderr == (
        "tokbench: of @openai, no tokenizer is available here; try `tokbench pull @openai`\n"
    )
    assert run("overlap", "@nope", "utf8").stderr == "tokbench: no set is called @nope; did you mean @openai?\n"
    result = run("compare", "@multilingual", "-n", "3", "-l", "en,de", "--resamples", "0", "--no-throughput", "-q")
    assert result.returncode == 0
    assert "byt5" in result.stdout
    assert "not available here: o200k_base, gemma-3" in " ".join(result.stdout.split())
    listed = run("list", "sets", "--json")
    assert '"@open-2026"' in listed.stdout
    result = run("pull", "@openai")
    assert result.returncode == USAGE
    assert result.stderr.count("is not available here") == 4


# ---- names of models


def test_models_of_openai_are_as_tiktoken_says() -> None:
    known = {model: find_name(model) for model in MODEL_TO_ENCODING}
    assert {model for model, name in known.items() if name not in (None, MODEL_TO_ENCODING[model])} <= {"gpt2", "gpt-2"}
    current = {"gpt-5", "gpt-4.1", "gpt-4o", "o1", "o3", "o4-mini", "gpt-4", "gpt-3.5-turbo"}
    assert {model for model in current if known.get(model) is None} == set()
    assert find_name("gpt-5-mini") == find_name("GPT-4o mini") == "o200k_base"


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("meta-llama/Meta-Llama-3-8B", "llama3"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama3"),
        ("Qwen/Qwen3-8B", "qwen3"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5"),
        ("google/gemma-3-4b-it", "gemma-3"),
        ("openai/gpt-oss-20b", "o200k_harmony"),
        ("microsoft/phi-4", "phi-4"),
        ("allenai/OLMo-2-1124-7B-Instruct", "olmo-2"),
        ("zai-org/GLM-4.6", "glm-4"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama3"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral-v1"),
        ("EleutherAI/pythia-1b", "gpt-neox-20b"),
        ("somebody/Llama-3.1-8B", None),
        ("-it", None),
    ],
)
def test_hub_ids_known_offline(spelling: str, name: str | None) -> None:
    assert find_name(spelling) == name


def test_org_and_name_is_a_path_a_known_model_or_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    with pytest.raises(UnavailableError) as caught:
        find("org/name")
    assert str(caught.value) == (
        "no file or folder org/name, and hf:org/name is not in the Hugging Face cache: offline; "
        "run `tokbench pull hf:org/name` with a network connection"
    )
    assert not means_path("Qwen/Qwen3-8B")
    (tmp_path / "org/name").mkdir(parents=True)
    (tmp_path / "org/name/tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}')
    asset = find("org/name")
    assert (asset.name, asset.origin) == ("name", "path")


@pytest.mark.parametrize(
    ("argument", "hub"),
    [
        ("org/name", True),
        ("org/name@main", True),
        ("org/na.me-1_2", True),
        ("name", False),
        ("./name", False),
        ("../name", False),
        ("~/name", False),
        ("a/b/c", False),
        ("/org/name", False),
        ("org/", False),
        ("data/tokenizer.json", False),
        ("data/x.tiktoken", False),
        ("örg/name", False),
        ("org/name#cl100k_base", False),
    ],
)
def test_what_looks_like_a_repository(argument: str, hub: bool) -> None:
    assert is_hub_argument(argument) is hub
    assert means_path(argument) is ("/" in argument and not hub)
