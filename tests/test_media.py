"""Clips of every shape are read in seconds, upright, in bounded memory; bad files say why."""

from __future__ import annotations

import gc
import hashlib
import itertools
import os
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from agent.media import MediaError, frames_at, probe, sound, stream
from agent.schema.samples import Frame, Sound

RED, BLUE = (255, 0, 0), (0, 0, 255)


def corner(width: int, height: int, value: int = 0) -> np.ndarray:
    """A picture with a red upper left quarter, a blue right edge, and a grey level elsewhere."""
    image = np.full((height, width, 3), value, np.uint8)
    image[: height // 2, : width // 2] = RED
    image[:, -width // 8 :] = BLUE
    return image


def make(
    path: Path,
    times: list[float],
    *,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    tone: float | None = None,
    layout: str = "mono",
    length: float | None = None,
    rotate: int | None = None,
    origin: float = 0.0,
    gop: int = 12,
) -> Path:
    """A clip with pictures at these times, whose grey level is 40 and then 2 more each."""
    with av.open(str(path), "w") as out:
        video = None
        if times:
            video = out.add_stream(codec, rate=30, options={"g": str(gop)})
            video.width, video.height, video.pix_fmt = *size, pixels
            video.codec_context.time_base = video.time_base = Fraction(1, 1000)
            if rotate is not None:
                video.set_display_rotation(rotate)
        audio = out.add_stream("aac", rate=48_000, layout=layout) if tone is not None else None
        for i, moment in enumerate(times):
            frame = av.VideoFrame.from_ndarray(corner(*size, 40 + 2 * (i % 90)))
            frame.pts, frame.time_base = round((moment + origin) * 1000), Fraction(1, 1000)
            out.mux(video.encode(frame))
        if video:
            out.mux(video.encode(None))
        if audio:
            at = np.arange(int((length or times[-1]) * 48_000)) / 48_000
            wave = (0.9 * np.sin(2 * np.pi * tone * at)).astype(np.float32)
            data = np.tile(wave, (audio.layout.nb_channels, 1))
            for first in range(0, data.shape[1] - 1023, 1024):
                block = np.ascontiguousarray(data[:, first : first + 1024])
                sample = av.AudioFrame.from_ndarray(block, "fltp", layout)
                sample.sample_rate, sample.time_base = 48_000, Fraction(1, 48_000)
                sample.pts = first + round(origin * 48_000)
                out.mux(audio.encode(sample))
            out.mux(audio.encode(None))
    return path


def steady(seconds: float, fps: float = 30.0) -> list[float]:
    return [i / fps for i in range(round(seconds * fps))]


def frames(path: Path, **options: object) -> list[Frame]:
    return [x for x in stream(path, audio=False, **options) if isinstance(x, Frame)]


def grey(frame: Frame) -> int:
    height, width = frame.image.shape[:2]
    return round(float(frame.image[height * 5 // 8 : height * 7 // 8, : width // 2].mean()))


def near(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 60)


def test_a_clip_is_described_and_read_in_seconds(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", steady(2), tone=440)
    media = probe(path)
    assert (media.kind, media.width, media.height) == ("video", 64, 48)
    assert media.has_video and media.has_audio and not media.variable_rate
    assert media.fps == pytest.approx(30, abs=0.1) and media.duration == pytest.approx(2, abs=0.1)
    assert media.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    with stream(path) as items:
        got = list(items)
    pictures = [x for x in got if isinstance(x, Frame)]
    blocks = [x for x in got if isinstance(x, Sound)]
    assert [f.index for f in pictures] == list(range(60))
    assert np.allclose([f.time for f in pictures], steady(2), atol=0.002)
    assert all(len(b.samples) <= 16_000 and b.samples.dtype == np.float32 for b in blocks)
    ends = [b.time + len(b.samples) / 16_000 for b in blocks]
    assert np.allclose([b.time for b in blocks[1:]], ends[:-1], atol=1e-6), "block follows block"
    first_block = next(i for i, x in enumerate(got) if isinstance(x, Sound))
    assert first_block < 40, "sound and pictures come side by side"


def test_the_tone_in_the_file_is_the_tone_that_is_heard(tmp_path: Path) -> None:
    for layout in ("mono", "stereo", "5.1"):
        path = make(tmp_path / f"{layout}.mp4", [], tone=500, layout=layout, length=2.0)
        heard = sound(path)
        spectrum = np.abs(np.fft.rfft(heard.samples))
        assert np.argmax(spectrum) * 16_000 / len(heard.samples) == pytest.approx(500, abs=2)
        assert 0.5 < np.abs(heard.samples).max() <= 1.0, f"{layout}: mixed without clipping"
        assert probe(path).kind == "audio"


def test_part_of_a_clip_is_that_part(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", steady(6), tone=440, gop=50)
    part = frames(path, start=3.05, end=4.0)
    whole = [f for f in frames(path) if 3.05 - 1e-4 <= f.time <= 4.0 + 1e-4]
    assert [(f.index, f.time) for f in part] == [(f.index, f.time) for f in whole]
    assert [grey(f) for f in part] == [grey(f) for f in whole]
    heard = sound(path, 3.0, 3.5)
    assert heard.time == pytest.approx(3.0, abs=1e-3) and len(heard.samples) == 8000
    assert np.abs(heard.samples - sound(path).samples[48_000:56_000]).max() < 0.1


def test_frames_at_times_are_the_nearest_real_ones_in_the_order_asked(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", steady(6), gop=40)
    every = frames(path)
    asked = [4.51, 0.0, 4.49, 2.0, 99.0]
    got = frames_at(path, asked)
    for wanted, frame in zip(asked, got, strict=True):
        best = min(every, key=lambda f: abs(f.time - wanted))
        assert (frame.index, frame.time, grey(frame)) == (best.index, best.time, grey(best))


@pytest.mark.parametrize("fps", [7.0, 10.0, 25.0, 30.0, 100.0])
def test_sampling_picks_the_real_frames_nearest_to_a_grid(tmp_path: Path, fps: float) -> None:
    rng = np.random.default_rng(3)
    times = np.round(np.cumsum(rng.choice([0.02, 0.033, 0.05, 0.2], 80)), 3)
    path = make(tmp_path / "vfr.mkv", [0.0, *times.tolist()])
    every = frames(path)
    real = np.array([f.time for f in every])
    grid = np.arange(0, real[-1] + 1e-6, 1 / fps)
    nearest = {int(np.argmin(np.abs(real - g))) for g in grid}
    assert {f.index for f in frames(path, fps=fps)} == nearest
    assert probe(path).variable_rate


def test_rotation_and_mirroring_in_the_file_are_undone(tmp_path: Path) -> None:
    plain = frames(make(tmp_path / "0.mp4", steady(0.2)))[0].image
    for angle, turns in ((90, 1), (180, 2), (270, 3)):
        path = make(tmp_path / f"{angle}.mp4", steady(0.2), rotate=angle)
        image = frames(path)[0].image
        assert np.abs(image.astype(int) - np.rot90(plain, turns)).mean() < 3
        media = probe(path)
        assert (media.height, media.width) == image.shape[:2]
        small = frames(path, max_side=32)[0].image
        assert max(small.shape) == 32 and small.flags.c_contiguous


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "size"),
    [
        ("hevc.mp4", "libx265", "yuv420p", (64, 48)),
        ("ten.mkv", "libx265", "yuv420p10le", (64, 48)),
        ("vp9.webm", "libvpx-vp9", "yuv420p", (64, 48)),
        ("odd.mkv", "ffv1", "yuv444p", (51, 37)),
        ("old.avi", "mpeg4", "yuv420p", (64, 48)),
        ("tv.ts", "libx264", "yuv420p", (64, 48)),
    ],
)
def test_containers_and_codecs(
    tmp_path: Path, name: str, codec: str, pixels: str, size: tuple[int, int]
) -> None:
    path = make(tmp_path / name, steady(1.0), codec=codec, pixels=pixels, size=size)
    got = frames(path)
    assert len(got) == 30
    assert got[0].time == pytest.approx(0, abs=0.05)
    assert got[-1].time - got[0].time == pytest.approx(29 / 30, abs=0.01)
    image = got[0].image
    assert image.shape == (size[1], size[0], 3)
    assert near(image[5, 5], RED) and near(image[5, -3], BLUE)
    media = probe(path)
    assert (media.width, media.height) == size and media.duration == pytest.approx(1, abs=0.1)


def test_time_begins_at_the_clip_and_not_at_its_time_stamps(tmp_path: Path) -> None:
    path = make(tmp_path / "late.mkv", steady(2), tone=440, origin=100.0)
    got = frames(path)
    assert got[0].time == pytest.approx(0, abs=0.05) and got[0].index == 0
    assert probe(path).duration == pytest.approx(2, abs=0.15)
    assert frames_at(path, [1.0])[0].time == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.avi", "a.mov"])
def test_every_container_can_be_entered_in_the_middle(tmp_path: Path, name: str) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path = make(tmp_path / name, steady(8), codec=codec, gop=100)
    whole = [f for f in frames(path) if 4.99 < f.time < 5.51]
    part = frames(path, start=whole[0].time, end=whole[-1].time)
    assert [f.time for f in part] == [f.time for f in whole]
    assert [grey(f) for f in part] == [grey(f) for f in whole]
    middle = whole[len(whole) // 2]
    assert grey(frames_at(path, [middle.time])[0]) == grey(middle)


def test_cover_art_is_no_film_and_a_moving_gif_is_one(tmp_path: Path) -> None:
    pictures = [Pillow.fromarray(corner(64, 48, 20 * i)) for i in range(8)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=100)
    assert probe(tmp_path / "a.gif").kind == "video" and len(frames(tmp_path / "a.gif")) == 8
    pictures[0].save(tmp_path / "b.gif")
    assert probe(tmp_path / "b.gif").kind == "image"
    pictures[0].save(tmp_path / "cover.png")
    with (
        av.open(str(tmp_path / "song.mp3"), "w") as out,
        av.open(str(tmp_path / "cover.png")) as art,
    ):
        audio = out.add_stream("mp3", rate=44_100, layout="mono")
        cover = out.add_stream_from_template(art.streams[0])
        cover.disposition = av.stream.Disposition.attached_pic
        for i in range(38):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.float32), "fltp", "mono")
            block.sample_rate, block.pts = 44_100, i * 1152
            out.mux(audio.encode(block))
        out.mux(audio.encode(None))
        for packet in art.demux():
            if packet.size:
                packet.stream = cover
                out.mux(packet)
    media = probe(tmp_path / "song.mp3")
    assert (media.kind, media.has_video, media.has_audio) == ("audio", False, True)
    assert not frames(tmp_path / "song.mp3")


def test_still_pictures_stand_upright(tmp_path: Path) -> None:
    turned = Pillow.fromarray(corner(64, 48))
    exif = turned.getexif()
    exif[0x0112] = 6  # shown turned clockwise by a quarter
    for name in ("a.jpg", "a.png", "a.webp"):
        turned.save(tmp_path / name, exif=exif, quality=95)
        [frame] = frames(tmp_path / name)
        assert frame.image.shape == (64, 48, 3) and frame.time == 0
        assert near(frame.image[5, -5], RED) and near(frame.image[-2, 24], BLUE)
        media = probe(tmp_path / name)
        assert (media.kind, media.width, media.height, media.duration) == ("image", 48, 64, 0)
        assert max(frames(tmp_path / name, max_side=16)[0].image.shape) == 16


def test_a_cut_off_file_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", steady(6), tone=440)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with stream(path) as items:
        got = [x for x in items if isinstance(x, Frame)]
    assert 20 < len(got) < 180
    [note] = [n for n in items.missing if n.what == "rest"]
    assert "6.0 s" in note.why and "cut off" in note.why
    assert probe(path).duration < 5


def test_a_damaged_middle_is_skipped_and_counted(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", steady(4))
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    middle = slice(len(data) // 3, len(data) // 2)
    data[middle] = rng.integers(0, 256, middle.stop - middle.start, np.uint8).tobytes()
    path.write_bytes(bytes(data))
    with stream(path) as items:
        got = [x for x in items if isinstance(x, Frame)]
    assert got[-1].time > 3 and items.missing
    assert all(a.time < b.time for a, b in itertools.pairwise(got))


def refused(path: object) -> str:
    for read in (probe, stream, lambda p: frames_at(p, [0.0]), sound):
        with pytest.raises(MediaError) as caught:
            read(path)
    assert str(path) in str(caught.value), "the message names what was given"
    return str(caught.value)


def test_what_is_no_clip_is_refused_with_a_reason(tmp_path: Path) -> None:
    made = make(tmp_path / "a.mp4", steady(0.5))
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is not a film\n" * 9)
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "cut.mp4").write_bytes(made.read_bytes()[:900])
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff" + bytes(300))
    assert "empty" in refused(tmp_path / "empty.mp4")
    assert "text file" in refused(tmp_path / "text.mp4")
    assert "Convert" in refused(tmp_path / "noise.mp4")
    assert "cut off" in refused(tmp_path / "cut.mp4")
    assert "picture" in refused(tmp_path / "bad.jpg")
    assert "folder" in refused(tmp_path)
    assert "No such file" in refused(tmp_path / "none.mp4")


def test_nothing_but_the_file_itself_is_opened(tmp_path: Path) -> None:
    make(tmp_path / "a.mp4", steady(0.5))
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\na.mp4\n#EXT-X-ENDLIST\n"
    for name in ("list.m3u8", "list.mp4"):
        (tmp_path / name).write_text(playlist)
        assert "playlist" in refused(tmp_path / name)
    (tmp_path / "cat.txt").write_text("ffconcat version 1.0\nfile a.mp4\n")
    assert "playlist" in refused(tmp_path / "cat.txt")
    assert "address" in refused("http://127.0.0.1:9/a.mp4")
    assert "No such file" in refused(f"concat:{tmp_path / 'a.mp4'}")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "regular" in refused(tmp_path / "pipe.mp4")


def test_a_picture_bomb_is_refused(tmp_path: Path) -> None:
    Pillow.new("1", (14_000, 14_000)).save(tmp_path / "bomb.png")
    with pytest.raises(MediaError, match="too many pixels"):
        stream(tmp_path / "bomb.png")


def test_stopping_early_frees_thread_and_file(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", steady(6), tone=440)
    before = threading.active_count()
    with stream(path) as items:
        next(items)
    assert threading.active_count() == before
    assert next(items, None) is None, "a closed stream is at its end"
    abandoned = stream(path)
    next(abandoned)
    del abandoned
    gc.collect()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() == before


def test_a_kept_frame_is_never_written_over(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", steady(3))
    kept = [(f, grey(f)) for f in frames(path)]
    view = kept[0][0].image[1:][:, ::2]
    copied = view.copy()
    assert all(grey(frame) == value for frame, value in kept)
    del kept
    list(stream(path))
    assert np.array_equal(view, copied), "a view of a frame keeps its memory"


def test_silence_stands_for_a_gap_in_the_sound(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as out:
        audio = out.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for begin in (0.0, 2.0):
            for i in range(10):
                block = av.AudioFrame.from_ndarray(
                    np.full((1, 1600), 9000, np.int16), "s16", "mono"
                )
                block.sample_rate, block.time_base = 16_000, Fraction(1, 16_000)
                block.pts = round(begin * 16_000) + 1600 * i
                out.mux(audio.encode(block))
        out.mux(audio.encode(None))
    heard = sound(path).samples
    assert len(heard) == pytest.approx(48_000, abs=200)
    assert np.abs(heard[17_000:31_000]).max() < 0.01 and np.abs(heard[33_000:]).min() > 0.2


def test_real_clips_are_read_in_full(shared: Path) -> None:
    video = shared / "media" / "video"
    media = probe(video / "pyfeat_face_noface.mov")  # HEVC, variable frame rate
    assert media.variable_rate and (media.width, media.height) == (960, 540)
    assert len(frames(video / "pyfeat_face_noface.mov")) == 169
    assert len(frames(video / "pyfeat_single_face.mp4")) == 72
    jfk = sound(shared / "media" / "audio" / "jfk.wav")
    assert len(jfk.samples) == 176_000 and jfk.time == 0


def resident() -> float:
    """MB of memory in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory use from /proc")
def test_memory_is_flat_however_long_the_clip(tmp_path: Path) -> None:
    path = make(tmp_path / "long.mkv", steady(1800, 25), size=(320, 240), tone=200, gop=250)
    used = []
    for i, item in enumerate(stream(path)):
        assert isinstance(item, Frame | Sound)
        if i % 500 == 499:
            used.append(resident())
    assert len(used) > 80
    print(f"30 min: {used[1]:.0f} MB early, {max(used):.0f} MB at most")
    assert max(used[2:]) - used[1] < 30
