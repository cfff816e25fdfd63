"""Tables of other programs against the clip they are given for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from agent.perception.look import Request, look
from agent.schema.evidence import Evidence
from agent.senses.units.table_fit import Timeline
from agent.senses.units.tables import Table, TableError, from_table, read_table

EVEN = Timeline(30.0, 2.4, [n / 30 for n in range(72)], file="a.mp4")
SLOWER = [n / 30 if n < 36 else 1.2 + (n - 36) / 10 for n in range(72)]
VARIABLE = Timeline(15.0, 4.8, SLOWER, file="a.mp4")
"""Thirty pictures a second for 1.2 s, then ten."""
STILL = Timeline(0.0, still=True, file="a.jpg")


def openface(path: Path, times: list[float], smile: range = range(42, 60), **more: str) -> Path:
    head = "frame, face_id, timestamp, confidence, success, AU06_r, AU12_r, AU45_r"
    rows = [
        f"{n + 1}, 0, {time:.3f}, 0.98, 1, "
        + ", ".join(["3.00" if n in smile else "0.05"] * 2)
        + f", {more.get('lids', '0.05')}"
        for n, time in enumerate(times)
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def feat(path: Path, frames: list[int], names: list[str], left: list[float], file: str) -> Path:
    head = (
        "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU06,AU12,frame,input,Identity"
    )
    rows = [
        f"{x},100,100,100,0.99,{'0.8,0.8' if n >= 42 else '0.05,0.05'},{n},{file},{name}"
        for n, name, x in zip(frames, names, left, strict=True)
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def read(path: Path, clip: Timeline) -> Table:
    return read_table(path, clip.fps, clip)


def film(path: Path, stamps: list[float]) -> Path:
    """Grey pictures at these seconds, without sound."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for time in stamps:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8))
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def told(clip: Path, table: Path, cache: Path) -> Evidence:
    return look(Request(clip, au_table=table, cache=cache)).evidence


def test_picture_numbers_are_looked_up_among_the_clips_own_stamps(tmp_path: Path) -> None:
    clip = film(tmp_path / "a.mp4", SLOWER)
    table = feat(tmp_path / "f.csv", list(range(72)), ["P"] * 72, [100] * 72, "a.mp4")
    smile = next(cue for cue in told(clip, table, tmp_path / "c").cues if cue.code == "AU12")
    assert smile.start == pytest.approx(1.8, abs=0.25)


def test_times_that_go_by_numbers_alone_are_replaced_and_it_is_said(tmp_path: Path) -> None:
    found = read(openface(tmp_path / "o.csv", [n / 15 for n in range(72)]), VARIABLE)
    assert found.times[42] == pytest.approx(1.8) and "own times" in found.notes[0]
    wrong = read(openface(tmp_path / "o.csv", [n / 25 for n in range(72)]), EVEN)
    assert wrong.times[71] == pytest.approx(71 / 30) and "own times" in wrong.notes[0]


def test_times_of_a_version_at_another_rate_stay(tmp_path: Path) -> None:
    found = read(openface(tmp_path / "o.csv", [n / 25 for n in range(60)]), EVEN)
    assert found.times[59] == pytest.approx(59 / 25) and not found.notes


def test_a_table_that_fits_needs_no_note(tmp_path: Path) -> None:
    found = read(openface(tmp_path / "o.csv", [n / 30 for n in range(72)]), EVEN)
    assert not found.notes and np.array_equal(found.frames, np.arange(72))
    skipped = feat(tmp_path / "f.csv", list(range(0, 72, 3)), ["P"] * 24, [100] * 24, "A.MP4")
    assert not read(skipped, EVEN).notes


@pytest.mark.parametrize(
    ("frames", "said"), [(1800, "60.0 s and the clip has 2.4 s"), (100, "3.3 s and the clip")]
)
def test_the_table_of_a_longer_clip_is_refused(tmp_path: Path, frames: int, said: str) -> None:
    path = openface(tmp_path / "o.csv", [n / 30 for n in range(frames)])
    with pytest.raises(TableError, match=said):
        read(path, EVEN)
    numbers = feat(tmp_path / "f.csv", list(range(frames)), ["P"] * frames, [1] * frames, "a.mp4")
    with pytest.raises(TableError, match="the clip has 72"):
        read(numbers, EVEN)


def test_a_shorter_table_and_another_files_are_said(tmp_path: Path) -> None:
    short = read(openface(tmp_path / "o.csv", [n / 30 for n in range(20)]), EVEN)
    assert "0.0-0.6 s only, of 2.4 s" in short.notes[0]
    other = feat(tmp_path / "f.csv", list(range(72)), ["P"] * 72, [1] * 72, r"C:\clips\b.mp4")
    assert "'b.mp4'" in read(other, EVEN).notes[0]


def test_other_units_of_time(tmp_path: Path) -> None:
    in_ms = read(openface(tmp_path / "o.csv", [n / 0.03 for n in range(72)]), EVEN)
    assert in_ms.times[-1] == pytest.approx(71 / 30, abs=1e-3) and "0.001 s" in in_ms.notes[0]
    numbers = tmp_path / "n.csv"
    numbers.write_text("time,AU12\n" + "".join(f"{n},{n % 3}\n" for n in range(72)))
    found = read(numbers, EVEN)
    assert found.times[-1] == pytest.approx(71 / 30) and "picture numbers" in found.notes[0]


def test_rows_without_a_reading_are_gaps_however_that_is_written(tmp_path: Path) -> None:
    ways = [
        "-nan(ind)",
        "nan",
        "inf",
        "-inf",
        "1.#QNAN",
        "-1.#IND",
        "N/A",
        "#N/A",
        "null",
        "None",
        "",
    ]
    path = tmp_path / "t.csv"
    rows = [f"{n / 30},{ways[n] if n < len(ways) else '0.5'}" for n in range(72)]
    path.write_text("time,AU12\n" + "\n".join(rows) + "\n")
    found = read(path, EVEN)
    assert np.isnan(found.columns["AU12"][: len(ways)]).all()
    assert np.isfinite(found.columns["AU12"][len(ways) :]).all()


def test_readings_beyond_the_scale_and_tables_of_failed_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time,AU12\n0,0\n1,87\n2,3\n")
    with pytest.raises(TableError, match=r"AU12 reads up to 87.*ends at 5"):
        read(path, EVEN)
    path.write_text("frame,timestamp,success,AU12_r\n1,0,0,0\n2,0.03,0,0\n")
    with pytest.raises(TableError, match="all of its 2 rows failed"):
        read(path, EVEN)


def test_decimal_commas_semicolons_and_legacy_letters(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{n / 30:.3f};0,5;größer\n".replace(".", ",") for n in range(72))
    path.write_bytes(("sep=;\ntime;AU12;note\n" + rows).encode("cp1252"))
    found = read(path, EVEN)
    assert found.columns["AU12"] == pytest.approx(0.5) and found.times[-1] == pytest.approx(2.367)
    assert "1252" in found.notes[0]


def test_names_that_flicker_are_one_face(tmp_path: Path) -> None:
    frames, names = list(range(72)), ["A" if n % 7 else f"B{n}" for n in range(72)]
    found = read(feat(tmp_path / "f.csv", frames, names, [100.0] * 72, "a.mp4"), EVEN)
    assert len(set(found.people)) == 1 and "joined" in found.notes[0]
    assert list(from_table(found)[0]) == ["P1"]


def test_turns_without_places_are_one_face_too(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{n / 30},{n // 5 % 2},0.5\n" for n in range(72))
    path.write_text("time,face_id,AU12\n" + rows)
    assert len(set(read(path, EVEN).people)) == 1


def test_faces_elsewhere_or_side_by_side_stay_apart(tmp_path: Path) -> None:
    cut = ["A"] * 36 + ["B"] * 36
    places = [100.0] * 36 + [500.0] * 36
    found = read(feat(tmp_path / "f.csv", list(range(72)), cut, places, "a.mp4"), EVEN)
    assert set(found.people) == {"A", "B"} and not found.notes
    both = [n // 2 for n in range(144)]
    found = read(feat(tmp_path / "f.csv", both, ["A", "B"] * 72, [100.0] * 144, "a.mp4"), EVEN)
    assert set(found.people) == {"A", "B"}


def test_a_row_without_a_name_makes_nobody_new(tmp_path: Path) -> None:
    names = ["" if n % 9 == 0 else "Person_0" for n in range(72)]
    found = read(feat(tmp_path / "f.csv", list(range(72)), names, [100.0] * 72, "a.mp4"), EVEN)
    assert set(found.people) == {"Person_0"}


def test_tables_of_pictures(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("face, confidence, AU06_r, AU12_r, AU12_c\n0, 0.9, 2, 3, 1\n1, 0.9, 0, 0, 0\n")
    found = read(path, STILL)
    assert found.people == ("0", "1") and not found.times.any()
    path.write_text(
        "FaceRectX,FaceScore,AU12,frame,input\n1,0.9,0.8,0,a.jpg\n300,0.9,0.1,0,a.jpg\n"
    )
    assert len(set(read(path, STILL).people)) == 2
    with pytest.raises(TableError, match="one picture"):
        read(openface(tmp_path / "o.csv", [n / 30 for n in range(72)]), STILL)


def test_a_clip_with_a_table_that_does_not_fit_is_refused_as_a_whole(tmp_path: Path) -> None:
    clip = film(tmp_path / "a.mp4", [n / 30 for n in range(72)])
    with pytest.raises(TableError, match="another clip"):
        told(clip, openface(tmp_path / "o.csv", [n / 30 for n in range(900)]), tmp_path / "c")
    short = told(clip, openface(tmp_path / "o.csv", [n / 30 for n in range(20)]), tmp_path / "c")
    assert any(gap.what == "table" and "only" in gap.why for gap in short.missing)
