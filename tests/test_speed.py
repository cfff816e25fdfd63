from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from eval import speed


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of moving grey, with sound, in B-frames."""
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as out:
        pictures = out.add_stream("libx264", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        sound = out.add_stream("aac", rate=16000)
        for n in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 4 * n, np.uint8))
            out.mux(pictures.encode(frame))
        for _ in range(31):
            silence = np.zeros((1, 1024), np.float32)
            block = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            block.sample_rate = 16000
            out.mux(sound.encode(block))
        out.mux(pictures.encode())
        out.mux(sound.encode())
    return path


def test_a_clip_is_repeated_to_the_length_asked_for(clip: Path, tmp_path: Path) -> None:
    long = speed.repeated(clip, 7, tmp_path / "long.mp4")
    with av.open(str(long)) as opened:
        times = [float(f.time) for f in opened.decode(video=0)]
    assert len(times) == pytest.approx(7 * 25, abs=3)
    assert times[-1] == pytest.approx(7, abs=0.1)
    assert (np.diff(times) > 0).all(), "time runs on over the joints"


def test_without_the_peer_the_table_says_how_to_get_it(
    clip: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    rows = list(speed._sensing(clip, 1, None))
    assert [row.what for row in rows[:2]] == ["sensing, mesh478", "sensing, mesh468"]
    assert float(rows[0].value.split()[0]) > 0
    assert "pip install mediapipe" in rows[-1].want


def test_a_clip_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["--clip", "nowhere.mp4"]) == 2
    assert "nowhere.mp4" in capsys.readouterr().err
