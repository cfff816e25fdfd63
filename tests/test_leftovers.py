"""What damage and killed processes leave behind: found, made anew, swept."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.perception import look as perceive
from agent.perception import series
from agent.util import process
from agent.util.cache import SCRATCH, is_whole, whole_folder
from agent.util.scratch import HELD, IN_USE, UNLOCKED, scratch_folder, sweep, trim

TONE = """
import wave, sys, math, struct
with wave.open(sys.argv[1], "wb") as out:
    out.setparams((1, 2, 16000, 0, "NONE", ""))
    out.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i / 8))) for i in range(32000)))
"""


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = tmp_path_factory.mktemp("clip") / "tone.wav"
    subprocess.run([sys.executable, "-P", "-c", TONE, str(clip)], check=True)
    return clip


def damages() -> dict[str, object]:
    """Ways in which a disk spoils a file: cut off, zeros, other bytes, gone, swapped."""
    found: dict[str, object] = {
        "gone": None,
        "empty": lambda b: b[:0],
        "longer": lambda b: b + b"x",
    }
    for share in (0.1, 0.5, 0.99):
        found[f"cut at {share}"] = lambda b, s=share: b[: int(len(b) * s)]
        found[f"zeros from {share}"] = lambda b, s=share: (
            b[: (n := int(len(b) * s))] + bytes(len(b) - n)
        )
    for seed in range(6):

        def flipped(b: bytes, seed: int = seed) -> bytes:
            at = random.Random(seed).randrange(len(b))
            return b[:at] + bytes([b[at] ^ 0x10]) + b[at + 1 :]

        found[f"one bit {seed}"] = flipped
    return found


@pytest.mark.parametrize("name", ["voice.parquet", "evidence.json", "digests.json"])
def test_a_damaged_look_is_made_anew(name: str, tone: Path, tmp_path: Path) -> None:
    request = perceive.Request(tone, cache=tmp_path)
    first = perceive.look(request)
    assert not perceive.look(request).fresh
    good = (first.folder / name).read_bytes()
    for how, damage in damages().items():
        if damage is None:
            (first.folder / name).unlink()
        else:
            (first.folder / name).write_bytes(damage(good))  # type: ignore[operator]
        assert perceive.recall(request) is None, how
        again = perceive.look(request)
        assert again.fresh, how
        assert again.evidence == first.evidence
        assert len(series.read_voice(again.folder / "voice.parquet")["time"])


def test_a_series_that_is_no_parquet_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "voice.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    for read in (series.read_voice, series.read_people):
        with pytest.raises(OSError, match=r"voice\.parquet"):
            read(tmp_path / "voice.parquet")


KILLED = """
import sys, time
from pathlib import Path
from agent.util.cache import whole_folder
with whole_folder(Path(sys.argv[1]) / "target") as scratch:
    (scratch / "half").write_bytes(b"x")
    print("there", flush=True)
    time.sleep(600)
"""


def test_folders_of_killed_processes_are_swept_and_of_living_ones_are_not(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", KILLED, str(tmp_path)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=process.environment())
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == b"there\n"
    try:
        assert len(list(tmp_path.glob(f"{SCRATCH}*"))) == 2
        both[0].send_signal(signal.SIGKILL)
        both[0].wait()
        with whole_folder(tmp_path / "other") as scratch:
            (scratch / "file").write_bytes(b"y")
        assert is_whole(tmp_path / "other")
        assert not (tmp_path / "other" / HELD).exists()
        assert len(list(tmp_path.glob(f"{SCRATCH}*"))) == 1  # of the one that lives
    finally:
        for one in both:
            one.kill()
            one.wait()


def test_a_folder_without_a_lock_is_swept_only_once_it_is_old(tmp_path: Path) -> None:
    (tmp_path / "clips-a").mkdir()
    assert sweep(tmp_path, "clips-") == 0
    old = time.time() - UNLOCKED - 1
    os.utime(tmp_path / "clips-a", (old, old))
    assert sweep(tmp_path, "other-") == 0
    assert sweep(tmp_path, "clips-") == 1
    with scratch_folder(tmp_path, "clips-") as mine:
        assert sweep(tmp_path, "clips-") == 0
    assert not mine.exists()


def test_kept_evidence_has_an_age_and_a_quota(tmp_path: Path) -> None:
    ages = {"now": 0.0, "young": IN_USE + 10, "middle": 5000.0, "old": 90_000.0}
    for name, age in ages.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "series.parquet").write_bytes(bytes(1000))
        used = time.time() - age
        os.utime(tmp_path / name, (used, used))
    assert trim(tmp_path, 86_400, 10_000) == 1
    assert not (tmp_path / "old").exists()
    assert trim(tmp_path, 86_400, 2_500) == 1
    assert not (tmp_path / "middle").exists()
    assert trim(tmp_path, 86_400, 0) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["now"]  # a request may be reading it
