"""Write the texts of the bundled corpus `numbers`: one column, a register per notation.

    python benchmarks/numbers_corpus.py corpora/numbers

Every figure is derived from the SHA-256 of its name, so that the files are the same everywhere. Telephone numbers and
network addresses are from the ranges set aside for fiction, documentation and private use. The registers `integer`,
`grouped-comma` and `grouped-space` have the same numbers, `date-iso` and `date-written` the same days.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

SEPARATOR = "%%%%"
CASES = 16
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_ENGLISH = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_FRENCH = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)


def draw(low: int, high: int, *name: object) -> int:
    """Return a number from `low` to `high`, both included, that depends on the name alone."""
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    return low + int.from_bytes(digest, "big") % (high - low + 1)


def _whole(digits: int) -> int:
    return draw(10 ** (digits - 1), 10**digits - 1, "whole", digits)


def _integers() -> list[str]:
    return [str(_whole(digits)) for digits in range(1, 21)]


def _grouped(separator: str) -> list[str]:
    return [f"{_whole(digits):,}".replace(",", separator) for digits in range(5, 21)]


def _mantissa(case: int) -> str:
    """Return digits with a point: one before it, 1 to 8 after it."""
    places = case % 8 + 1
    return f"{draw(1, 9, 'lead', case)}.{draw(0, 10**places - 1, 'tail', case):0{places}d}"


def _decimal(case: int) -> str:
    whole = draw(0, 10 ** (case // 4) - 1, "before", case)
    sign = ("-", _MINUS)[case % 2] if case % 5 == 4 else ""
    return f"{sign}{whole}.{_mantissa(case).partition('.')[2]}"


def _scientific(case: int) -> str:
    exponent = draw(-30, 30, "exponent", case)
    power = f"{exponent:+03d}"
    forms = (f"e{power}", f"E{exponent}", f" × 10^{exponent}", f" × 10{str(exponent).translate(_SUPERSCRIPT)}")
    return _mantissa(case) + forms[case % 4]


def _based(case: int) -> str:
    digits = case // 2 + 1
    value = draw(16 ** (digits - 1), 16**digits - 1, "hexadecimal", case)
    return (f"0x{value:x}", f"0x{value:X}", f"{value:0{2 * digits}x}h", f"{value:#b}" if digits < 5 else f"{value:#o}")[
        case % 4
    ]


def _moment(case: int) -> datetime:
    return datetime(1950, 1, 1) + timedelta(seconds=draw(0, 90 * 365 * 86_400, "moment", case))


def _iso_date(case: int) -> str:
    moment = _moment(case)
    week = moment.isocalendar()
    forms = (
        f"{moment:%Y-%m-%d}",
        f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        f"{moment:%Y%m%d}",
        f"{week.year}-W{week.week:02d}-{week.weekday}",
    )
    return forms[case % 4]


def _written_date(case: int) -> str:
    moment = _moment(case)
    day, month = moment.day, moment.month
    forms = (
        f"{day} {_ENGLISH[month - 1]} {moment.year}",
        f"{_ENGLISH[month - 1]} {day}, {moment.year}",
        f"{month}/{day}/{moment.year}",
        f"{day}.{month}.{moment.year}",
        f"{moment.year}年{month}月{day}日",
        f"{'1er' if day == 1 else day} {_FRENCH[month - 1]} {moment.year}",
    )
    return forms[case % 6]


def _time(case: int) -> str:
    moment = _moment(case)
    half = "a.m." if moment.hour < 12 else "p.m."
    forms = (
        f"{moment:%H:%M}",
        f"{moment:%H:%M:%S}",
        f"{(moment.hour - 1) % 12 + 1}:{moment:%M} {half}",
        f"{moment:%H:%M:%S}.{draw(0, 999, 'milliseconds', case):03d}",
        f"{moment:%H.%M} Uhr",
        f"{moment:%H:%M}{'+' if case % 4 < 2 else '-'}{draw(0, 11, 'zone', case):02d}:00",
    )
    return forms[case % 6]


def _group_indian(value: int) -> str:
    """Group the last three digits, then pairs: 12,34,567."""
    head, tail = divmod(value, 1000)
    pairs = []
    while head:
        head, pair = divmod(head, 100)
        pairs.append(f"{pair:02d}" if head else str(pair))
    return ",".join([*reversed(pairs), f"{tail:03d}" if pairs else str(tail)])


def _money(case: int) -> str:
    cents = draw(1, 10 ** (case // 2 + 3), "money", case)
    amount, whole = f"{cents // 100:,}.{cents % 100:02d}", f"{cents:,}"
    swapped = amount.translate(str.maketrans(",.", ".,"))
    forms = (f"${amount}", f"£{amount}", f"{swapped} €", f"¥{whole}", f"USD {amount}", f"{_MINUS}€{amount}")
    return (
        (*forms, f"CHF {amount.replace(',', '’')}", f"₹{_group_indian(cents)}")[case % 8]
        if cents >= 10
        else f"{cents}¢"
    )


def _phone(case: int) -> str:
    last = draw(0, 99, "phone", case)
    long = draw(0, 999, "phone", case)
    forms = (
        f"(202) 555-01{last:02d}",
        f"+1 415 555 01{last:02d}",
        f"01632 960{long:03d}",
        f"+44 7700 900{long:03d}",
        f"030 23125{long:03d}",
        f"+33 1 99 00 {draw(0, 99, 'pair', case):02d} {last:02d}",
        f"1-212-555-01{last:02d}",
        f"202.555.01{last:02d}",
    )
    return forms[case % 8]


def _address(case: int) -> str:
    host = draw(1, 254, "host", case)
    words = [f"{draw(1, 0xFFFF, 'word', case, place):x}" for place in range(4)]
    forms = (
        f"192.0.2.{host}",
        f"198.51.100.{host}:{draw(1024, 65535, 'port', case)}",
        "2001:db8::" + ":".join(words),
        f"203.0.113.{host // 16 * 16}/28",
        f"10.{draw(0, 255, 'second', case)}.{draw(0, 255, 'third', case)}.{host}",
        f"[2001:db8::{words[0]}]:443",
        f"00:00:5e:00:53:{host:02x}",
        f"http://192.0.2.{host}:8080/",
    )
    return forms[case % 8]


def _version(case: int) -> str:
    major, minor, patch = (draw(0, most, "version", case, most) for most in (19, 40, 99))
    forms = (
        f"{major}.{minor}.{patch}",
        f"v{major}.{minor}.{patch}",
        f"{major}.{minor}.0-rc.{patch % 9 + 1}",
        f">={major}.{minor},<{major + 1}",
        f"{major}.{minor}.{patch}+build.{draw(1000, 9999, 'build', case)}",
        f"~> {major}.{minor}",
        f"{major}.{minor}.{patch}.{draw(0, 9999, 'fourth', case)}",
        f"{major}.{minor}.0b{patch % 9 + 1}",
    )
    return forms[case % 8]


def _percentage(case: int) -> str:
    tenths = draw(1, 999, "percentage", case)
    value = f"{tenths / 10:.1f}"
    forms = (f"{tenths // 10}%", f"{value}%", f"+{value} %", f"{_MINUS}{value}%", f"{value.replace('.', ',')} %")
    return (*forms, f"{value} ± {draw(1, 9, 'error', case) / 10:.1f}%", f"0.{tenths:03d}%", f"{tenths}‰")[case % 8]


def _arithmetic(case: int) -> str:
    size = 10 ** (case // 4 + 1)
    a, b = draw(2, size, "a", case), draw(2, size, "b", case)
    c = draw(2, 12, "c", case)
    half = Fraction(a, c) + Fraction(b, c + 1)
    forms = (
        f"{a} + {b} = {a + b}",
        f"({a} - {b}) * {c} = {(a - b) * c}",
        f"{a * c:,} ÷ {c} = {a:,}",
        f"{a}/{c} + {b}/{c + 1} = {half.numerator}/{half.denominator}",
        f"{a} × {b} {_MINUS} {c} = {str(a * b - c).replace('-', _MINUS)}",
        f"{c}^{case % 5 + 2} = {c ** (case % 5 + 2)}",
        f"{a} % {c} == {a % c}",
        f"√{c * c * a * a} = {c * a}",
    )
    return forms[case % 8]


def _measure(case: int) -> str:
    value = draw(10, 10 ** (case // 4 + 2), "measure", case)
    forms = (
        f"{value / 10:.1f} km",
        f"{value % 45} °C",
        f"{value % 90}°{value % 60:02d}′{value * 7 % 60:02d}″ N",
        f"{value / 1000:.3f} kg",
        f"{value} × {value + 8} mm",
        f"{value / 100:.2f} m/s²",
        f"{value} MiB",
        f"{draw(0, 89999, 'latitude', case) / 1000:.3f}, -{draw(0, 179999, 'longitude', case) / 1000:.3f}",
    )
    return forms[case % 8]


def _counting(case: int) -> str:
    value = draw(1, 10 ** (case // 4 + 1), "counting", case)
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    forms = (
        f"{value}{ending}",
        f"No. {value}",
        f"pp. {value}–{value + 14}",
        f"{value} of {value * 3}",
        f"{value % 12 + 1}½",
        f"{value % 7 + 1} : {value % 5 + 2}",
        f"§ {value}({value % 9 + 1})",
        f"#{value:05d}",
    )
    return forms[case % 8]


def _table(case: int) -> str:
    """Return a table of figures in one of four layouts; the first ends with the sum."""
    rows = [
        (1990 + 5 * row + case, draw(10, 9999, "table", case, row), draw(0, 999, "rate", case, row))
        for row in range(3 + case % 4)
    ]
    total = sum(count for _, count, _ in rows)
    layouts: Sequence[Callable[[], list[str]]] = (
        lambda: [*(f"{year}  {count:>7,}  {rate / 10:>5.1f}%" for year, count, rate in rows), f"{total:>13,}"],
        lambda: ["year\tcount\trate", *(f"{year}\t{count}\t{rate / 1000:.3f}" for year, count, rate in rows)],
        lambda: ["year,count,rate", *(f"{year},{count},{rate / 1000:.3f}" for year, count, rate in rows)],
        lambda: [
            "| year | count |  rate |",
            "|-----:|------:|------:|",
            *(f"| {year} | {count:>5} | {rate / 10:>4.1f}% |" for year, count, rate in rows),
        ],
    )
    return "\n".join(layouts[case % 4]())


def build_registers() -> dict[str, list[str]]:
    """Return the segments of each register, in the order of the corpus."""
    cases: dict[str, Callable[[int], str]] = {
        "decimal": _decimal,
        "scientific": _scientific,
        "based": _based,
        "date-iso": _iso_date,
        "date-written": _written_date,
        "time": _time,
        "money": _money,
        "phone": _phone,
        "address": _address,
        "version": _version,
        "percentage": _percentage,
        "arithmetic": _arithmetic,
        "measure": _measure,
        "counting": _counting,
        "table": _table,
    }
    return {
        "integer": _integers(),
        "grouped-comma": _grouped(","),
        "grouped-space": _grouped(_NARROW_SPACE),
        **{register: [make(case) for case in range(CASES)] for register, make in cases.items()},
    }


def write_texts(folder: Path) -> None:
    """Write `numbers.txt` and `segments.tsv`; the manifest is filled in by `write_manifest`."""
    registers = build_registers()
    texts = [text for segments in registers.values() for text in segments]
    names = [f"{register}-{n:02d}\t{register}" for register, made in registers.items() for n in range(1, len(made) + 1)]
    rows = [f"{number}\t{name}" for number, name in enumerate(names, start=1)]
    (folder / "numbers.txt").write_bytes((f"\n{SEPARATOR}\n".join(texts) + "\n").encode())
    (folder / "segments.tsv").write_bytes(("\n".join(["segment\tdocument\tregister", *rows]) + "\n").encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder of the corpus")
    write_texts(parser.parse_args().folder)
