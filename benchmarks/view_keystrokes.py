"""Measure in a browser how long the page of `tokbench view` takes from a keystroke to the painted tokens.

    python benchmarks/view_keystrokes.py                       # 100 kB, four tokenizers, 40 keystrokes: about a minute
    python benchmarks/view_keystrokes.py --bytes 10000 --keys 10 --tokenizers gpt-neox-20b,utf8

Starts the command on a free port and a headless Chromium (selenium, of the extra `test`), waits until all tokenizers
are loaded, pastes a text of that size, and types at its end. A keystroke is timed from the time stamp of the browser's
keydown event to the first task after the frame that contains the new tokens; the next key is pressed when that frame
has been painted. Also prints the time from the start of the command to its first answer, and to the first painted
tokens. Exit status 1 if the median of the keystrokes is above `--limit` ms. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from helpers.browser import open_browser

TEXTS = (
    "The committee will meet again in 14 days; until then, nothing changes. ",
    "ภาษาไทยเขียนติดกันโดยไม่เว้นวรรคระหว่างคำ ",
    "Die Donaudampfschifffahrt fährt täglich um 9:30 Uhr. ",
    "for (int i = 0; i < n; ++i) { total += values[i] * 0.5; }\n",
    "分かち書きをしない言語もある。👩‍👩‍👧 ",
)
WATCH = """
window.times = [];
let pressed = null;
document.getElementById("text").addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
// The page counts its answers in this attribute, in the first task after the frame that shows one.
new MutationObserver(() => {
  if (pressed !== null) window.times.push(performance.now() - pressed);
  pressed = null;
}).observe(document.documentElement, { attributeFilter: ["data-asked"] });
"""
PASTE = """
const text = document.getElementById("text");
text.value = arguments[0];
text.setSelectionRange(text.value.length, text.value.length);
text.focus();
text.dispatchEvent(new Event("input", { bubbles: true }));
"""
STATE = "return [document.documentElement.dataset.loading, Number(document.documentElement.dataset.asked ?? 0)]"


@contextmanager
def serve(names: list[str]) -> Iterator[tuple[str, float]]:
    """Run the command; yield its address, and the seconds until it answered."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "tokbench", "view", *names, "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().split()[3]
            with urllib.request.urlopen(address, timeout=30) as reply:
                reply.read()
            yield address, time.perf_counter() - begin
        finally:
            process.terminate()


def make_text(size: int) -> str:
    """Return a text of several scripts of about this many bytes."""
    whole = sum(len(text.encode()) for text in TEXTS)
    return "".join(islice(cycle(TEXTS), len(TEXTS) * (size // whole)))


def wait(browser: Any, answers: int, seconds: float = 120) -> None:
    """Wait until all tokenizers are loaded, and so many answers have been painted."""
    end = time.monotonic() + seconds
    while True:
        loading, asked = browser.execute_script(STATE)
        if loading == "0" and asked >= answers:
            return
        if time.monotonic() > end:
            raise SystemExit(f"the page did not answer within {seconds:g} s")
        time.sleep(0.02)


def measure(names: list[str], size: int, keys: int) -> list[float]:
    """Return the milliseconds from each keystroke to the paint."""
    begin = time.perf_counter()
    with serve(names) as (address, answered), open_browser() as browser:
        browser.get(address)
        wait(browser, 1)
        print(f"start: {answered:.2f} s to the first answer, {time.perf_counter() - begin:.2f} s to all tokens painted")
        text = make_text(size)
        browser.execute_script(PASTE, text)
        box = browser.find_element("id", "status")
        shown = f"{len(text.encode()):,} bytes"
        while shown not in box.text:
            time.sleep(0.05)
        time.sleep(1)
        shown_tokens = browser.execute_script("return document.querySelectorAll('.tokens [data-i]').length")
        print(f"text: {shown}, {shown_tokens} tokens shown")
        browser.execute_script(WATCH)
        for number, key in enumerate(islice(cycle("tokenizer "), keys), start=1):
            browser.switch_to.active_element.send_keys(key)
            end = time.monotonic() + 20
            while len(browser.execute_script("return window.times")) < number:
                if time.monotonic() > end:
                    raise SystemExit("a keystroke was not followed by a paint within 20 s")
                time.sleep(0.01)
        times: list[float] = browser.execute_script("return window.times")
        return times


def main() -> int:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tokenizers", default="o200k_base,llama3,qwen3,gpt-neox-20b")
    parser.add_argument("--bytes", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--limit", type=float, default=300, help="milliseconds that the median may take")
    given = parser.parse_args()
    times = measure(given.tokenizers.split(","), given.bytes, given.keys)
    median, worst = statistics.median(times), max(times)
    late = sorted(times)[int(0.95 * (len(times) - 1))]
    print(f"keystroke to paint, {len(times)} times: median {median:.0f} ms, 95 % {late:.0f} ms, worst {worst:.0f} ms")
    return int(median > given.limit)


if __name__ == "__main__":
    sys.exit(main())
