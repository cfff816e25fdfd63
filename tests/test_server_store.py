"""Uploads, deletes and measuring at once; full disks; what a killed server leaves behind."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import served
from served import Served, data, message, picture

from agent.server import faults, reasons
from agent.server.errors import ApiError
from agent.server.place import put
from agent.server.settings import Settings
from agent.server.store import Store

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    made = Served("--slots", "2", "--queue", "40", "--in-flight", "60").ready()
    yield made
    made.kill()


def upload(server: Served, clip: bytes) -> httpx.Response:
    return server.post("/v1/files", files={"file": ("a.mp4", clip)})


def remove(server: Served, path: str) -> httpx.Response:
    return server.http.delete(server.url + path, headers=server.headers, timeout=60)


def test_uploads_lists_and_deletes_at_once_are_never_a_fault(server: Served) -> None:
    """Some hundred requests that get in each other's way: each is done, or told that it is gone."""
    chance = random.Random(7)
    todo = [chance.choice(("upload", "upload", "list", "delete", "purge")) for _ in range(300)]
    ids: list[str] = []

    def act(what: str) -> httpx.Response:
        if what == "upload":
            done = upload(server, picture())
            if done.status_code == 200:
                ids.append(done.json()["id"])
            return done
        if what == "list":
            return server.get("/v1/files")
        if what == "delete" and ids:
            return remove(server, f"/v1/files/{ids[-1]}")
        return remove(server, "/v1/data")

    with ThreadPoolExecutor(12) as pool:
        for done in pool.map(act, todo):
            assert done.status_code in (200, 204, 404, 429), done.text
            if done.status_code > 299:
                served.error(done)
    assert remove(server, "/v1/data").status_code == 204
    assert server.get("/v1/files").json()["data"] == []
    assert not list(server.folder.rglob("clip"))
    assert '"event": "fault"' not in server.log


def test_a_delete_while_it_is_measured_or_asked_about_is_a_delete(server: Served) -> None:
    """Nothing finds it from then on; whoever was at it gets an answer; then its folder goes."""
    for wait in (0.0, 0.1, 0.3, 0.6):
        name = upload(server, served.clip(2.0)).json()["id"]
        url = f"{server.url}/v1/files/{name}"
        asked = {"model": "duchenne-rules", "messages": [message(name, "What does she feel?")]}
        with ThreadPoolExecutor(2) as pool:
            measured = pool.submit(server.post, f"/v1/files/{name}/evidence", {})
            answered = pool.submit(server.post, CHAT, {**asked, "conversation": "new"})
            time.sleep(wait)
            assert server.http.delete(url, timeout=60).status_code == 200
            assert server.http.get(url).status_code == 404
            for done in (measured.result(), answered.result()):
                assert done.status_code in (200, 404), done.text
    for _ in range(100):
        if not list(server.folder.rglob("clip")):
            break
        time.sleep(0.1)
    assert not list(server.folder.rglob("clip"))
    assert '"event": "fault"' not in server.log


def test_a_decoder_that_is_killed_is_not_the_clips_fault(server: Served) -> None:
    still = {"model": "duchenne-rules",
             "messages": [message(data(served.clip(12.0)), "What does she feel?")]}  # fmt: skip
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.05):
            for pid in server.children():
                with_name = Path(f"/proc/{pid}/cmdline")
                try:
                    if b"agent.server.media_worker" in with_name.read_bytes():
                        os.kill(pid, signal.SIGKILL)
                except OSError:
                    continue

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        done = server.post(CHAT, still)
    finally:
        over.set()
        killer.join()
    assert done.status_code == 503 and int(done.headers["retry-after"]) > 0
    assert served.error(done)["code"] in ("decoder_killed", "not_ready")
    for _ in range(300):
        if server.post(CHAT, still).status_code == 200:
            break
        time.sleep(0.2)
    assert server.ready()


@pytest.fixture
def small() -> Iterator[Path]:
    """A disk of six megabytes."""
    folder = Path(tempfile.mkdtemp(prefix="small-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("no right to mount a small disk here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def test_a_full_disk_is_the_servers_fault_and_lists_nothing_by_halves(small: Path) -> None:
    server = Served("--state", str(small / "state")).ready()
    first = upload(server, picture()).json()["id"]
    (small / "filler").write_bytes(bytes(3 << 20))
    done = upload(server, bytes(4 << 20))
    assert done.status_code == 507 and int(done.headers["retry-after"]) > 0
    assert served.error(done)["code"] == "storage_failed"
    asked = {"model": "duchenne-rules",
             "messages": [message(data(bytes(4 << 20)), "What does she feel?")]}  # fmt: skip
    assert server.post(CHAT, asked).status_code == 507
    told = server.get("/readyz")
    assert told.status_code == 503 and any("disk is full" in why for why in told.json()["why"])
    assert [one["id"] for one in server.get("/v1/files").json()["data"]] == [first]
    assert len(list(small.rglob("clip"))) == 1
    (small / "filler").unlink()
    server.ready()
    assert upload(server, picture()).status_code == 200
    assert server.end() == 0


# -- the store by itself


def kept(store: Store, kind: str = "file", **meta: str) -> tuple[str, Path]:
    with store.coming("alice", kind) as place:
        place.clip.write_bytes(b"x")
        name, found, _ = store.publish(place, meta)
    return name, found.folder


def test_what_is_not_whole_has_no_id(tmp_path: Path) -> None:
    store = Store(Settings(state=tmp_path))
    with pytest.raises(OSError), store.coming("alice", "file") as place:
        place.clip.write_bytes(b"half")
        assert store.all("alice", "file") == []
        raise OSError(errno.ENOSPC, "full")
    assert store.all("alice", "file") == []
    assert not [p for p in (tmp_path / "alice").rglob("*") if p.is_file()]


def test_leftovers_of_a_kill_are_swept(tmp_path: Path) -> None:
    """A folder whose id is gone, or whose record is torn, is seen by the next sweep."""
    store = Store(Settings(state=tmp_path))
    _, gone = kept(store)
    (gone / "meta.json").unlink()
    _, torn = kept(store, "conv")
    (torn / "meta.json").write_text('{"na')
    name, whole = kept(store)
    (tmp_path / "alice" / "scratch" / "half").mkdir()
    (tmp_path / "a file").write_text("of somebody")
    again = Store(Settings(state=tmp_path))
    assert again.sweep() == []
    assert not gone.exists() and not torn.exists() and whole.exists()
    assert list((tmp_path / "alice" / "scratch").glob("*")) == []
    assert [one for one, _ in again.all("alice", "file")] == [name]


def test_a_second_server_leaves_the_firsts_scratch_alone(tmp_path: Path) -> None:
    first = Store(Settings(state=tmp_path))
    with first.coming("alice", "file") as place:
        place.clip.write_bytes(b"x")
        second = Store(Settings(state=tmp_path))
        second.sweep()
        name, _, _ = first.publish(place, {})
        assert second.find("alice", name)
    with first.scratch("alice") as place:
        first.close()
        Store(Settings(state=tmp_path))
        assert not place.folder.exists()


def test_a_place_in_use_loses_its_id_at_once_and_its_folder_later(tmp_path: Path) -> None:
    store = Store(Settings(state=tmp_path))
    name, folder = kept(store)
    place, _ = store.find("alice", name)
    with store.using(place):
        store.delete("alice", name)
        with pytest.raises(ApiError):
            store.find("alice", name)
        with pytest.raises(ApiError), store.using(place):
            pass
        with pytest.raises(ApiError), store.coming("alice", "conv") as talk:
            store.publish(talk, {"file": name})
        put(place.found, "{}")
        store.sweep()
        assert place.clip.exists()
    store.close()
    assert not folder.exists()


def test_a_purge_that_cannot_forget_what_was_said_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.graph import conversation as chat

    store = Store(Settings(state=tmp_path))
    _, folder = kept(store, "conv")
    (tmp_path / "alice" / "threads.sqlite").touch()
    monkeypatch.setattr(chat, "PATIENCE", 0.1)
    (tmp_path / "alice" / "threads.sqlite").write_bytes(b"no data base at all" * 50)
    with pytest.raises(ApiError) as told:
        store.purge("alice")
    assert told.value.status == 503 and folder.exists()


def test_a_failure_of_this_machine_is_known_through_what_it_was_raised_as() -> None:
    def raised(first: BaseException, then: BaseException) -> BaseException:
        try:
            raise then from first
        except BaseException as error:
            return error

    full = OSError(errno.ENOSPC, "No space left on device")
    assert reasons.of_fault(raised(full, OSError("it could not be kept"))).status == 507
    assert reasons.of_fault(raised(full, ValueError("odd"))).status == 507
    assert reasons.of_fault(OSError(errno.EMFILE, "Too many open files")).status == 503
    assert reasons.of_fault(FileNotFoundError(errno.ENOENT, "gone")).status == 500
    assert faults.number(OSError("image file is truncated")) is None
    import av

    assert faults.number(av.error.PermissionError(errno.EPERM, "no moov atom")) is None
    assert reasons.of_machine(["not a number"]) is None
