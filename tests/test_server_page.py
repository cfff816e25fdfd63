"""The page at `/`: from this server alone, and working in a real browser (`browser` mark).

The browser part needs Playwright's Python package and a Chromium: `tests/browser_setup.sh`.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import served

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def pair() -> served.Pair:
    return served.pair()


def test_the_page_needs_no_key_and_no_other_host(pair: served.Pair) -> None:
    index = pair.server.http.get(pair.server.url + "/")
    assert index.status_code == 200
    assert "default-src 'none'" in index.headers["content-security-policy"]
    parts = re.findall(r'(?:src|href)="(/page/[^"]+)"', index.text)
    assert parts == ["/page/page.css", "/page/page.js"]
    for path in [*parts, "/page/events.js"]:
        part = pair.server.http.get(pair.server.url + path)
        assert part.status_code == 200
        assert not re.search(r"https?://", part.text + index.text)


@pytest.mark.parametrize(
    "name", ["..%2fserver%2fkeys.py", "../server/keys.py", "page.py", "%00", "index.html%00"]
)
def test_the_page_gives_out_no_other_file(pair: served.Pair, name: str) -> None:
    answer = pair.server.http.get(f"{pair.server.url}/page/{name}")
    assert answer.status_code in (401, 404) and "import" not in answer.text


def test_a_path_says_all_it_takes(pair: served.Pair) -> None:
    answer = pair.server.http.put(pair.server.url + "/v1/files", headers=pair.server.headers)
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, POST"


@pytest.mark.browser
def test_question_answer_and_citation_in_a_browser() -> None:
    """A clip in, an answer out, a citation clicked: the video stands at the cue's moment."""
    api = pytest.importorskip("playwright.sync_api")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    server = served.Served().ready()
    with api.sync_playwright() as started:
        browser: Any = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url)
                if not request.url.startswith((server.url, "blob:")) else None)  # fmt: skip
        page.goto(server.url)
        page.set_input_files("#file", str(ROOT / "docs" / "example" / "example.mp4"))
        page.wait_for_selector("#ask button:not([disabled])")
        page.fill("#question", "When does she smile?")
        page.keyboard.press("Enter")
        page.wait_for_selector(".cite", timeout=90_000)
        assert "smiles from" in page.inner_text(".answer")
        page.focus(".cite")
        page.keyboard.press("Enter")
        page.wait_for_selector(".lit")
        apex = float(re.findall(r"([\d.]+) s:", page.inner_text(".lit"))[0])
        page.wait_for_timeout(300)
        assert abs(page.evaluate("document.getElementById('video').currentTime") - apex) < 0.1
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click("#delete")
        page.wait_for_selector("text=are deleted")
        assert faults == []
        browser.close()
    assert server.client().files.list().data == []
    assert server.end() == 0
