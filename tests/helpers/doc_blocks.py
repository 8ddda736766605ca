"""The code blocks of the documentation: where they stand, and what the source says of those that cannot run here.

`<!-- not run: REASON -->` above a block marks it, `<!-- not run: REASON: START, START -->` its lines with these starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.data import ROOT

REASONS = {
    "files": "tokenizers or texts that cannot be made here, nor shipped",
    "install": "changes the environment",
    "minutes": "takes minutes",
    "network": "needs a network",
    "other programs": "is run by other programs, or belongs to a checkout",
    "server": "waits for a browser, or for Ctrl-C",
    "cluster": "needs a cluster or cloud storage",
    "weights": "needs a model's weights, or measures one",
}
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<mark>[^\n]*?) -->\n)?^(?P<indent> *)```(?P<language>[\w-]*)(?P<more>[^\n]*)\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block; reason: why nothing of it runs, or only what begins with none of `starts`, if there are any."""

    page: str
    line: int
    language: str
    title: str | None
    text: str
    reason: str | None
    starts: tuple[str, ...]

    def reason_of(self, line: str) -> str | None:
        """Why a line does not run; None if it does."""
        return self.reason if not self.starts or line.startswith(self.starts) else None

    def commands(self) -> Iterator[str]:
        """The commands of a block of shell: without comments, continued lines as one."""
        text = self.text.replace("\\\n", " ")
        if self.language == "console":
            text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
        yield from (line for line in text.splitlines() if line.strip() and not line.startswith("#"))

    def shown(self) -> Iterator[tuple[str, str]]:
        """The commands of a console with the output below each."""
        for part in re.split(r"^\$ ", self.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def list_pages() -> list[Path]:
    """The pages of the site, and the README; commands.md shows the help of commands and nothing else."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", *(page for page in pages if page.name != "commands.md")]


def read_blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [_read(name, text, found) for found in FENCE.finditer(text)]


def _read(page: str, text: str, found: re.Match[str]) -> Block:
    reason, _, starts = (found["mark"] or "").partition(": ")
    title = re.search(r'title="([^"]+)"', found["more"])
    return Block(
        page=page,
        line=text.count("\n", 0, found.start("language")) + 1,
        language=found["language"],
        title=title[1] if title else None,
        text=re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
        reason=reason or None,
        starts=tuple(start for start in starts.split(", ") if start),
    )
