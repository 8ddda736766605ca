"""The bundled corpora of code and of numbers: counts, hashes, alignment, syntax, figures that are right."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shutil
import subprocess
from collections import Counter
from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from helpers.commands import refuse, run
from tokbench.corpora import bundled_corpora, inspect_corpus, load_corpus, read_manifest, verify_manifest

ROOT = Path(__file__).parents[2]
DIRT = {"duplicate", "not_nfc", "bom", "crlf", "replacement", "c1", "nul", "control", "inner_bom"}
PROGRAMMING = [
    *("python", "javascript", "typescript", "java", "c", "cpp", "csharp"),
    *("go", "rust", "kotlin", "swift", "ruby", "php", "bash"),
]

# What a task says in every language, in lower case and without commas and underscores.
PHRASES = {
    "fizz-buzz": ("fizzbuzz",),
    "leap-year": ("31 28 31",),
    "letter-counts": ("wins a tie",),
    "roman-numeral": ("3999", "xc"),
    "account": ("deposit",),
    "temperature-table": ("celsius  fahrenheit", "1.8"),
    "run-length": ('"aaab"', '"3a1b"'),
    "hex-colour": ("#ff8000",),
    "numbered-lines": ("cannot read",),
    "escape-html": ("&quot;", "<a href="),
    "format-duration": ("93784", "1d 02:03:04"),
    "describe-mode": ("rwxr-xr--",),
    "retry": ("attempt",),
    "compare-versions": ("1.9.0", "1.10.0"),
}


def segments_by_document(name: str, lang: str) -> dict[str, str]:
    corpus = load_corpus(name, languages=[lang])
    assert corpus.documents is not None
    return dict(zip(corpus.documents["document"], corpus.texts(lang), strict=True))


@pytest.mark.parametrize(("name", "columns", "segments"), [("code", PROGRAMMING, 24), ("numbers", ["numbers"], 292)])
def test_the_corpus_is_what_its_manifest_says(name: str, columns: list[str], segments: int) -> None:
    folder = bundled_corpora()[name]
    manifest = verify_manifest(folder)
    assert (manifest.licence, manifest.source, manifest.segments) == ("CC0-1.0", "own", segments)
    assert [column.tag for column in manifest.languages] == columns
    corpus = load_corpus(name)
    assert (corpus.n, corpus.sha256, list(corpus.languages)) == (segments, manifest.sha256, columns)
    assert corpus.documents is not None
    assert corpus.documents["document"].n_unique() == segments  # segments are drawn one by one
    assert DIRT.isdisjoint(inspect_corpus(corpus).nonzero_findings["finding"].to_list())


@pytest.mark.parametrize("lang", PROGRAMMING)
def test_each_column_of_code_has_every_task(lang: str) -> None:
    for document, text in segments_by_document("code", lang).items():
        lines = text.split("\n")
        assert 8 <= len(lines) <= 30, document
        assert all(line == line.rstrip() and len(line) <= 112 for line in lines), document
        assert text.isascii()
        assert not text.endswith("\n")
        indents = {line[0] for line in lines if line[:1] in (" ", "\t")}
        assert indents <= ({"\t"} if lang == "go" else {" "}), document
        # What a task says is the same in each language.
        for phrase in PHRASES.get(document, ()):
            assert phrase in text.replace("_", "").replace(",", "").lower(), document


def run_task(name: str) -> dict[str, Any]:
    scope: dict[str, Any] = {"__name__": name}
    exec(compile(segments_by_document("code", "python")[name], name, "exec"), scope)
    return scope


@pytest.mark.parametrize(
    ("task", "call", "result"),
    [
        ("fizz-buzz", "fizz_buzz(5)", ["1", "2", "Fizz", "4", "Buzz"]),
        ("fizz-buzz", "fizz_buzz(15)[-1]", "FizzBuzz"),
        ("leap-year", "[days_in_month(y, 2) for y in (1900, 2000, 2023, 2024)]", [28, 29, 28, 29]),
        ("common-divisor", "greatest_common_divisor(84, 36), least_common_multiple(4, 6)", (12, 12)),
        ("prime-sieve", "primes_up_to(30)", [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]),
        ("binary-search", "[binary_search([1, 3, 5, 7], n) for n in (1, 7, 4)]", [0, 3, -1]),
        ("insertion-sort", "(v := [3, 1, 2, 1], insertion_sort(v))[0]", [1, 1, 2, 3]),
        ("letter-shift", "shift_letters('Xyz, abc!', 3), shift_letters('Abc', -1)", ("Abc, def!", "Zab")),
        ("palindrome", "is_palindrome('Never odd or even.'), is_palindrome('ab')", (True, False)),
        ("letter-counts", "most_frequent_letter('Banana bbb'), most_frequent_letter('12')", ("b", "?")),
        ("roman-numeral", "[to_roman(n) for n in (4, 1994, 3888)]", ["IV", "MCMXCIV", "MMMDCCCLXXXVIII"]),
        ("matrix-product", "multiply([[1, 2], [3, 4]], [[5, 6], [7, 8]])", [[19, 22], [43, 50]]),
        ("account", "(a := Account('x'), a.deposit(500), a.withdraw(120))[0].balance", 380),
        ("temperature-table", "to_fahrenheit(100)", 212.0),
        ("parse-setting", "parse_setting(' a = b=c '), parse_setting('# a')", (("a", "b=c"), None)),
        ("run-length", "encode_runs('aaab'), encode_runs('')", ("3a1b", "")),
        ("checksum", "[has_valid_checksum(n) for n in ('79927398713', '79927398710', '')]", [True, False, False]),
        ("hex-colour", "to_hex(*from_hex('#ff8000')), from_hex('#ff8000')", ("#ff8000", (255, 128, 0))),
        ("ring-buffer", "(r := RingBuffer(2), [r.push(n) for n in (1, 2, 3)], r.get(0), r.get(1))[2:]", (2, 3)),
        ("escape-html", "link('?a&b', '<\"x\">')", '<a href="?a&amp;b">&lt;&quot;x&quot;&gt;</a>'),
        ("format-duration", "[format_duration(n) for n in (93784, -59)]", ["1d 02:03:04", "-00:00:59"]),
        ("describe-mode", "describe_mode(0o754)", "rwxr-xr--"),
        ("retry", "retry(lambda: True, 3), retry(lambda: False, 1)", (True, False)),
        ("compare-versions", "compare_versions('1.9.0', 'v1.10.0'), compare_versions('2.0.0', '2.0.0')", (-1, 0)),
    ],
)
def test_the_python_column_does_what_it_says(task: str, call: str, result: object) -> None:
    assert eval(call, run_task(task)) == result


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_settings_are_parsed_by_bash_as_by_python() -> None:
    """Two keys that are empty, an option of echo as a value, a comment."""
    script = segments_by_document("code", "bash")["parse-setting"]
    script += (
        '\nfor line in " a = b=c " "k = -n" "# a" "=x" "=a=b"; do parse_setting "$line"; echo "$? $key:$value"; done'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0 a:b=c", "0 k:-n", "0 :", "1 :", "1 :"]
    assert done.stderr.splitlines() == ["not a setting: =x", "not a setting: =a=b"]


def test_lines_of_a_file_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("one\ntwo\n")
    print_numbered = run_task("numbered-lines")["print_numbered"]
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        assert print_numbered(str(tmp_path / "text"))
        assert not print_numbered(str(tmp_path / "none"))
    assert printed.getvalue() == "   1: one\n   2: two\n"
    assert said.getvalue().startswith("cannot read ")


def test_numbers_are_made_by_their_script(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "benchmarks" / "numbers_corpus.py"))["write_texts"](tmp_path)
    for file in ("numbers.txt", "segments.tsv"):
        assert (tmp_path / file).read_bytes() == (bundled_corpora()["numbers"] / file).read_bytes()


def numbers(register: str) -> list[str]:
    return [text for name, text in segments_by_document("numbers", "numbers").items() if name[:-3] == register]


def test_registers_of_numbers() -> None:
    corpus = load_corpus("numbers")
    assert corpus.documents is not None
    sizes = Counter(corpus.documents["register"])
    assert sizes.pop("integer") == 20
    assert len(sizes) == 17
    assert set(sizes.values()) == {16}
    integers = numbers("integer")
    assert [len(digits) for digits in integers] == list(range(1, 21))
    assert numbers("grouped-comma") == [f"{int(digits):,}" for digits in integers[4:]]
    assert [text.replace("\u202f", "") for text in numbers("grouped-space")] == integers[4:]
    assert all(1 <= text.count("\n") <= 7 for text in numbers("table"))


def test_both_minus_signs_occur() -> None:
    decimals = numbers("decimal")
    assert [text[0] for text in decimals if not text[0].isdigit()] == ["-", "\N{MINUS SIGN}", "-"]
    assert [text.split(", ")[1][0] for text in numbers("measure")[7::8]] == ["-", "-"]


def test_dates_agree() -> None:
    """An ISO date and the written date beside it name the same day."""
    for n in (0, 8, 12):
        day = date.fromisoformat(numbers("date-iso")[n])
        assert {str(day.year), str(day.day)} <= set(re.findall(r"\d+", numbers("date-written")[n]))
    assert numbers("date-iso")[3] == "1985-W31-6"
    assert numbers("date-written")[3] == "3.8.1985"
    assert date.fromisocalendar(1985, 31, 6) == date(1985, 8, 3)


def test_arithmetic_is_right() -> None:
    checked = 0
    for text in numbers("arithmetic"):
        source = text.translate(str.maketrans({"×": "*", "÷": "/", "−": "-", ",": None})).replace("^", "**")
        source = re.sub(r"√(\d+)", r"\1 ** 0.5", source)
        left, right = re.split(r" ==? ", source)
        assert eval(left) == pytest.approx(eval(right), rel=1e-12), text
        checked += 1
    assert checked == 16


def test_addresses_and_telephones_belong_to_nobody() -> None:
    free = [ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8")]
    addresses = " ".join(numbers("address"))
    found = re.findall(r"\d+\.\d+\.\d+\.\d+", addresses)
    assert len(found) == 10
    assert all(any(ip_address(address) in network for network in free) for address in found)
    assert addresses.count("2001:db8::") == 4
    fiction = r"555.01\d\d$|^01632 960\d{3}$|^\+44 7700 900\d{3}$|^030 23125\d{3}$|^\+33 1 99 00 \d\d \d\d$"
    assert all(re.search(fiction, text) for text in numbers("phone"))


def test_commands_know_both() -> None:
    listed = run("list", "corpora").stdout
    assert re.search(r"^code +24 +14 +built in", listed, re.MULTILINE)
    assert re.search(r"^numbers +292 +1 +built in", listed, re.MULTILINE)
    done = run("compare", "utf8", "byt5", "-c", "code", "-l", "go,c", "--no-throughput")
    assert done.stdout.startswith("code: 2 languages x 24 segments")
    assert "vs go" in done.stdout
    assert "numbers: 1 language x 292 segments;" in run("compare", "utf8", "-c", "numbers", "--no-throughput").stdout
    refuse("compare", "utf8", "-c", "code", "-l", "pyton", says="did you mean 'python'?")


def test_corpus_counts_one_language() -> None:
    assert run("corpus", "numbers").stdout.startswith("numbers: 1 language x 292 segments, format bundled")
    assert repr(load_corpus("numbers")).startswith("<ParallelCorpus numbers: 1 language x 292 segments,")


def test_columns_of_tokbench14_are_natural_languages() -> None:
    manifest = read_manifest(bundled_corpora()["tokbench14"])
    assert (manifest.columns, manifest.separator) == (None, None)
