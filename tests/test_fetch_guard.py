"""What may be fetched: addresses of the open internet, a bounded number of bytes, in time."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import served
from hypothesis import given
from hypothesis import strategies as st
from served import Web, web

from agent.server.errors import ApiError
from agent.server.fetch import fetch
from agent.server.guard import IP, Guard, Resolver, is_public, parse

MIB = 1 << 20


def hostile(port: int) -> list[str]:
    """Addresses that lead, or would mislead somebody, to the canary or to other inner places."""
    return [
        f"http://127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}",
        f"HTTP://127.0.0.1:{port}/",
        f"http://localhost:{port}/",
        f"http://localhost.:{port}/",
        f"http://LOCALHOST:{port}/",
        f"http://127.1:{port}/",
        f"http://127.0.1:{port}/",
        f"http://2130706433:{port}/",
        f"http://0x7f000001:{port}/",
        f"http://0x7f.0.0.1:{port}/",
        f"http://0177.0.0.1:{port}/",
        f"http://017700000001:{port}/",
        f"http://127.0.0.01:{port}/",
        f"http://127.255.255.254:{port}/",
        f"http://0.0.0.0:{port}/",
        f"http://0:{port}/",
        f"http://[::1]:{port}/",
        f"http://[::]:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"http://[::ffff:7f00:1]:{port}/",
        f"http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
        f"http://[::127.0.0.1]:{port}/",
        f"http://[64:ff9b::7f00:1]:{port}/",
        f"http://[2002:7f00:1::]:{port}/",
        f"http://[fe80::1%25lo]:{port}/",
        f"http://[::1%25lo]:{port}/",
        f"http://example.com@127.0.0.1:{port}/",
        f"http://user:word@127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}\\@example.com/",
        f"http://example.com\\@127.0.0.1:{port}/",
        f"http:\\\\127.0.0.1:{port}/",
        f"http:/\\127.0.0.1:{port}/",
        f"http:127.0.0.1:{port}/",
        f"//127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}#@example.com/",
        f"http://127.0.0.1:{port}?@example.com/",
        f"http://127.0.0.1%2f@example.com:{port}/",
        f"http://127%2e0%2e0%2e1:{port}/",
        f"http://127。0。0。1:{port}/",
        f"http://①②⑦.⓪.⓪.①:{port}/",
        f"http://127.0.0.1\t:{port}/",
        f"http://127.0.0.1:{port}/\r\nHost: example.com",
        f" http://127.0.0.1:{port}/",
        f"http://127.0.0.1 :{port}/",
        f"https://127.0.0.1:{port}/",
        f"file://127.0.0.1:{port}/etc/passwd",
        "file:///etc/passwd",
        f"ftp://127.0.0.1:{port}/",
        f"gopher://127.0.0.1:{port}/_",
        f"concat:http://127.0.0.1:{port}/",
        f"hls+http://127.0.0.1:{port}/",
        f"url:http://127.0.0.1:{port}/",
        f"rtsp://127.0.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://100.64.0.1/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://192.0.2.1:22/",
        f"http://127.0.0.1:{port + 65536}/",
        "http://",
        "http:///",
        "http://-/",
        "http://..:80/",
    ]


def test_no_hostile_address_reaches_the_canary() -> None:
    server = served.pair().server
    with web() as canary:
        canary.give(served.clip())
        urls = hostile(canary.port)
        assert len(urls) >= 40
        answers = [server.ask(url) for url in urls]
        assert canary.hits == []
    for url, answer in zip(urls, answers, strict=True):
        assert 400 <= answer.status_code < 500, url
        assert served.error(answer)["code"] == "url_refused", url


@pytest.mark.parametrize("url", hostile(80))
def test_hostile_addresses_are_refused_on_usual_ports_too(url: str) -> None:
    """There the port says nothing: what the address is, is all that speaks against it."""
    with pytest.raises(ApiError, match="this address is not fetched") as caught:
        asyncio.run(Guard().address(parse(url)))
    assert "port 80 " not in caught.value.message


def test_a_name_that_stands_for_an_inner_address_is_refused(tmp_path: Path) -> None:
    with web() as canary:
        for rows in (["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["?"]):
            with pytest.raises(ApiError, match="not fetched"):
                run(f"http://clips.example:{canary.port}/", tmp_path, Guard(resolver=says(rows)))
            with pytest.raises(ApiError, match="not fetched"):
                run("http://clips.example/", tmp_path, Guard(resolver=says(rows)))
        assert canary.hits == []


def test_a_name_is_looked_up_once_and_the_address_found_is_the_one_used(tmp_path: Path) -> None:
    """A name that changes its address between check and use gains nothing."""
    asked = []
    answers = iter(["127.0.0.1", "127.0.0.2", "127.0.0.3"])

    async def changing(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [next(answers)]

    with web() as store:
        store.give(b"clip")
        place = f"clips.example:{store.port}"
        guard = Guard(allow=frozenset({place}), resolver=changing)
        assert run(f"http://{place}/a", tmp_path, guard) == 4
    assert asked == [("clips.example", store.port)]
    assert store.hits == ["/a"]


def test_each_redirect_is_checked_anew(tmp_path: Path) -> None:
    with web() as store, web() as canary:
        guard = Guard(allow=frozenset({store.place}))
        for where in (canary.url, f"//{canary.place}/x", "file:///etc/passwd", f"{store.url}\\@x"):
            store.lead(where)
            with pytest.raises(ApiError, match="not fetched"):
                run(store.url, tmp_path, guard)
        store.lead("/again")
        with pytest.raises(ApiError, match="leads on more than"):
            run(store.url, tmp_path, guard)
        assert canary.hits == []
        assert len(store.hits) <= 4 + 6


def test_a_download_stops_at_the_cap(tmp_path: Path) -> None:
    """Without a length, and chunked: at most 1 MiB beyond."""
    for chunked in (False, True):
        with web() as store:
            store.says = endless(store, chunked)
            with pytest.raises(ApiError, match="at most"):
                run(store.url, tmp_path, Guard(frozenset({store.place})), limit=4 * MIB)
            time.sleep(0.1)
            assert 4 * MIB <= store.sent <= 5 * MIB
            assert list(tmp_path.iterdir()) == []


def test_a_length_beyond_the_cap_is_believed(tmp_path: Path) -> None:
    with web() as store:
        store.give(b"x" * (3 * MIB))
        with pytest.raises(ApiError, match="2 MiB at most"):
            run(store.url, tmp_path, Guard(frozenset({store.place})), limit=2 * MIB)
    assert list(tmp_path.iterdir()) == []


def test_a_download_ends_in_time(tmp_path: Path) -> None:
    """Drop by drop, each well within any timeout for one read; redirects do not start anew."""
    with web() as store:
        steps = itertools.count()

        def slow(request: BaseHTTPRequestHandler) -> None:
            time.sleep(0.3)
            if next(steps) < 2:
                request.send_response(302)
                request.send_header("Location", "/on")
                request.send_header("Content-Length", "0")
                request.end_headers()
                return
            request.send_response(200)
            request.end_headers()
            for _ in range(100):
                request.wfile.write(b"x")
                request.wfile.flush()
                time.sleep(0.1)

        store.says = slow
        began = time.monotonic()
        with pytest.raises(ApiError, match="longer than 1 s"):
            run(store.url, tmp_path, Guard(frozenset({store.place})), seconds=1)
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "says",
    [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", b"", b"\0" * 300,
     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
     b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000],
    ids=["no-http", "short", "nothing", "zeros", "gzip", "negative", "500", "headers"],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_failed_fetch(says: bytes, tmp_path: Path) -> None:
    with web() as store:
        store.says = lambda request: void(request.wfile.write(says))
        with pytest.raises(ApiError, match="could not be fetched"):
            run(store.url, tmp_path, Guard(frozenset({store.place})))
    assert list(tmp_path.iterdir()) == []


INNER = [
    ipaddress.IPv4Network(net)
    for net in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16",
                "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")
]  # fmt: skip


@given(st.sampled_from(INNER), st.integers(0, 2**32 - 1))
def test_inner_addresses_are_not_public_in_any_dress(net: ipaddress.IPv4Network, at: int) -> None:
    inner = net[at % net.num_addresses]
    number = int(inner)
    dressed: list[IP] = [
        inner,
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(0x64FF9B << 96 | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80),
        ipaddress.IPv6Address(number),
    ]
    assert not any(map(is_public, dressed))


def test_the_open_internet_is_public() -> None:
    for text in ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8"):
        assert is_public(ipaddress.ip_address(text)), text


@given(st.text(max_size=60) | st.from_regex(r"https?://[^/]{0,30}/.{0,9}", fullmatch=True))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        target = parse(text)
    except ApiError as error:
        assert error.status == 400
    else:
        assert target.host and target.path.startswith("/")
        assert not set("\\@ \r\n%") & set(target.host)


def void(_: object) -> None:
    pass


def run(url: str, folder: Path, guard: Guard, limit: int = 8 * MIB, seconds: float = 10) -> int:
    into = folder / "clip"
    return asyncio.run(fetch(url, into, guard=guard, limit=limit, seconds=seconds))


def says(rows: list[str]) -> Resolver:
    async def resolver(_host: str, _port: int) -> list[str]:
        return rows

    return resolver


def endless(store: Web, chunked: bool) -> Callable[[BaseHTTPRequestHandler], None]:
    def says(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if chunked:
            request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        block = b"x" * (1 << 14)
        for _ in range(4096):
            framed = b"%x\r\n%s\r\n" % (len(block), block) if chunked else block
            request.wfile.write(framed)
            store.sent += len(block)

    return says
