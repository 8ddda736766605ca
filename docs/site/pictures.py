"""Draw the pictures of the README and the site with tokbench itself: `python docs/site/pictures.py`. Needs Chromium."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

FOLDER = Path(__file__).resolve().parents[1] / "pictures"
COLUMNS = 80
LAST = re.compile(r"^(not available here|signature)", re.MULTILINE)  # what follows the verdict is left out
REPORTED = ["o200k_base", "gemma-3", "deepseek-v3", "qwen3", "llama3", "mistral-tekken"]
SIZE = "1280,860"
COLOURS = [(240, 113, 120), (152, 195, 121), (229, 192, 123), (97, 175, 239), (198, 120, 221), (86, 182, 194)]
DARK = TerminalTheme(
    (30, 33, 39),
    (222, 226, 232),
    [(40, 44, 52), *COLOURS, (171, 178, 191)],
    [(122, 130, 142), *COLOURS, (255, 255, 255)],
)
# The form of rich without its fonts, which it would load from another server.
FORM = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>tokbench compare in a terminal</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px }}
.{unique_id}-title {{ font-size: 18px; font-family: sans-serif }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def run_tokbench(*arguments: str, folder: str) -> str:
    """Run a command as in a terminal of 80 columns, and return what it prints."""
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TOKBENCH_CONFIG": "none"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "tokbench", *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=True, text=True).stdout


def draw_terminal(printed: str) -> str:
    """Return a terminal with this output as SVG."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text("$ tokbench compare", style="bold"))
        console.print(Text.from_ansi(LAST.split(printed)[0].rstrip()))
    return console.export_svg(title="tokbench compare", theme=DARK, code_format=FORM, unique_id="terminal")


def take_picture(page: Path, picture: Path) -> None:
    """Show a page in Chromium and keep its first screen."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("no Chromium: install it, or keep the picture that is there")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SIZE}"]
    command = [browser, *options, f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    """Draw both pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        printed = run_tokbench("compare", folder=folder)
        (FOLDER / "terminal.svg").write_text(draw_terminal(printed), encoding="utf-8")
        run_tokbench("compare", *REPORTED, "-o", "report.html", folder=folder)
        take_picture(Path(folder) / "report.html", FOLDER / "report.png")


if __name__ == "__main__":
    main()
