"""The page at `/` as files: from this server alone. `test_page.py` has it in a browser."""

from __future__ import annotations

import re

import pytest
import served

PAGE = served.ROOT / "agent" / "page"


@pytest.fixture(scope="module")
def pair() -> served.Pair:
    return served.pair()


def test_the_page_needs_no_key_and_no_other_host(pair: served.Pair) -> None:
    index = pair.server.http.get(pair.server.url + "/")
    assert index.status_code == 200
    assert "default-src 'none'" in index.headers["content-security-policy"]
    found = re.findall(r'(?:src|href)="(/page/[^"]+)"', index.text)
    seen: set[str] = set()
    while found:
        path = found.pop()
        seen.add(path)
        part = pair.server.http.get(pair.server.url + path)
        assert part.status_code == 200
        assert not re.search(r"https?://(?!www.w3.org/2000/svg)", part.text + index.text)
        more = {f"/page/{name}" for name in re.findall(r'from "\./([^"]+)"', part.text)}
        found += sorted(more - seen)
    assert seen == {f"/page/{one.name}" for one in PAGE.iterdir() if one.suffix in (".js", ".css")}


def test_no_part_of_the_page_can_make_markup_of_text() -> None:
    for one in PAGE.glob("*.js"):
        made = r"innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|eval\(|new Function"
        assert not re.search(made, one.read_text(encoding="utf-8")), one.name
        assert len(one.read_text(encoding="utf-8").splitlines()) <= 320, one.name


@pytest.mark.parametrize(
    "name", ["..%2fserver%2fkeys.py", "../server/keys.py", "page.py", "%00", "index.html%00"]
)
def test_the_page_gives_out_no_other_file(pair: served.Pair, name: str) -> None:
    answer = pair.server.http.get(f"{pair.server.url}/page/{name}")
    assert answer.status_code in (401, 404) and "import" not in answer.text


def test_a_path_says_all_it_takes(pair: served.Pair) -> None:
    answer = pair.server.http.put(pair.server.url + "/v1/files", headers=pair.server.headers)
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, POST"
