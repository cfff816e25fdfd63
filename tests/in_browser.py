"""A real Chromium for the tests of the page, and clips made for it.

Chromium is the one named by CHROMIUM, one on the path, or Playwright's own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import served

EXAMPLE = served.ROOT / "docs" / "example" / "example.mp4"
SUBTITLES = EXAMPLE.with_name("example.en.srt")
WIDE, NARROW = (1360, 1020), (390, 844)
Opened = Callable[..., Any]


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser; skips, and says why, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    with api.sync_playwright() as started:
        if path is None and not Path(started.chromium.executable_path).exists():
            pytest.skip("there is no Chromium: sh tests/browser_setup.sh FOLDER")
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Any, url: str, size: tuple[int, int] = WIDE, **more: Any) -> Any:
    """The page in a window; `page.faults` collects errors and requests to other hosts."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, **more)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on(
        "request",
        lambda request: (
            page.faults.append(request.url) if not request.url.startswith((url, "blob:")) else None
        ),
    )
    page.on(
        "console",
        lambda line: page.faults.append(line.text) if "Content Security" in line.text else None,
    )
    page.goto(url)
    return page


def looked(page: Any, *files: Path) -> None:
    """Send a clip, with subtitles or without, and wait for its timeline."""
    page.set_input_files("#file", [str(file) for file in files])
    page.wait_for_selector("#send:not([disabled])", timeout=120_000)


def answered(page: Any, question: str, within: float = 120) -> None:
    """Ask and wait for the whole answer, so many seconds at most."""
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.wait_for_selector("#talk > .answer:last-child details", timeout=1000 * within)


def now(page: Any) -> float:
    """Seconds at which the video stands, once it stands there."""
    page.wait_for_function("() => !document.getElementById('video').seeking")
    at: float = page.evaluate("document.getElementById('video').currentTime")
    return at


@cache
def two_people(folder: Path, seconds: float = 3.0) -> Path:
    """The example's face twice: one on the left, smiling; one that moves to the right, angry."""
    with av.open(str(EXAMPLE)) as source:
        frames = [frame.to_ndarray(format="rgb24")[::2, ::2] for frame in source.decode(video=0)]
    path = folder / "two.mp4"
    count = int(seconds * 25)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 800, 256, "yuv420p"
        for number in range(count):
            canvas = np.full((256, 800, 3), 90, np.uint8)
            left = 260 + round(270 * number / count)
            canvas[:, :256] = frames[30 + number]
            canvas[:, left : left + 256] = frames[130 + number]
            frame = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
