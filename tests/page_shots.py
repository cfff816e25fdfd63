"""Pictures of the page on the example clip: `python tests/page_shots.py OUT [CLIP]`.

Writes light.png, dark.png and narrow.png; the README's docs/page.png is light.png with fewer
colours. Needs what the tests marked `browser` need.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import served
from PIL import Image
from playwright.sync_api import sync_playwright

WIDE, NARROW = {"width": 1360, "height": 1020}, {"width": 390, "height": 844}
COLOURS = 200
Sizes = dict[str, int]


@contextmanager
def pages(server: served.Served) -> Iterator[Any]:
    """Gives a function that opens the page in a window of a size and scheme."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

        def opened(size: Sizes, scheme: str = "light", **more: Any) -> Any:
            context = browser.new_context(viewport=size, color_scheme=scheme, **more)
            page = context.new_page()
            page.goto(server.url)
            return page

        yield opened
        browser.close()


def looked(page: Any, *files: Path) -> None:
    """Send a clip and wait for its timeline."""
    page.set_input_files("#file", [str(file) for file in files if file.exists()])
    page.wait_for_selector("#send:not([disabled])", timeout=120_000)


def answered(page: Any, question: str) -> None:
    """Ask and wait for the whole answer."""
    page.fill("#question", question)
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer:last-child .sum", timeout=120_000)


def shot(page: Any, path: Path, full: bool = False) -> None:
    page.wait_for_timeout(500)
    page.screenshot(path=str(path), full_page=full)


def main() -> None:
    out = Path(sys.argv[1])
    clip = Path(sys.argv[2]) if len(sys.argv) > 2 else served.ROOT / "docs/example/example.mp4"
    out.mkdir(parents=True, exist_ok=True)
    server = served.Served().ready()
    with pages(server) as opened:
        for name, size, scheme in (
            ("light", WIDE, "light"),
            ("dark", WIDE, "dark"),
            ("narrow", NARROW, "light"),
        ):
            page = opened(size, scheme)
            shot(page, out / f"{name}-empty.png")
            looked(page, clip, clip.with_name(clip.stem + ".en.srt"))
            answered(page, "What does she feel, and why?")
            page.click(".cite >> nth=0")
            shot(page, out / f"{name}.png")
            page.evaluate("scrollBy(0, 800)")
            shot(page, out / f"{name}-below.png")
            page.click("#delete")
    small = Image.open(out / "light.png").convert("RGB").quantize(COLOURS, dither=0)
    small.save(out / "page.png", optimize=True)
    server.end()


if __name__ == "__main__":
    main()
