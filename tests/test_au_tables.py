"""Tables of other programs: read as they write them, refused with a reason otherwise."""

from __future__ import annotations

import re
from pathlib import Path

import by_hand
import numpy as np
import pytest

from agent.grounding import ground, ground_all
from agent.perception.pipeline import _Listed
from agent.qa.answer import reply
from agent.reading.judge import judge
from agent.reading.rules import appraise
from agent.schema.answer import Claim
from agent.schema.evidence import Evidence, number
from agent.senses.units.tables import TableError, from_table, read_table

FPS = 25.0
SMILE = np.interp(np.arange(100), [25, 35, 60, 75], [0, 1, 1, 0], 0, 0)
"""One smile over 100 frames: onset at 1 s, apex from 1.4 to 2.4 s, 0-1."""


def written(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def openface2(tmp_path: Path, fail: range = range(0), faces: int = 1) -> Path:
    header = (
        "frame, face_id, timestamp, confidence, success, AU06_r, AU12_r, AU45_r, AU12_c, AU28_c"
    )
    rows = []
    for i, smile in enumerate(SMILE):
        for face in range(faces):
            bad = i in fail
            mine = 4 * smile if face == 0 else 0
            rows.append(
                f"{i + 1}, {face}, {i / FPS:.3f}, {0.1 if bad else 0.98}, {int(not bad)}, "
                f"{0 if bad else 0.6 * mine:.2f}, {0 if bad else mine:.2f}, 0.00, "
                f"{int(mine > 1)}, 0"
            )
    return written(tmp_path / "openface.csv", header, rows)


def test_openface_2_with_blanks_in_its_header(tmp_path: Path) -> None:
    table = read_table(openface2(tmp_path), fps=0)
    assert table.source.name == "OpenFace 2"
    assert table.frames[0] == 0 and table.times[25] == pytest.approx(1.0)
    assert table.columns["AU12"].max() == pytest.approx(4.0)
    assert table.presence == (28,)
    series, cues, missing = from_table(table)
    smile = next(cue for cue in cues if cue.code == "AU12")
    assert abs(smile.start - 1.0) <= 0.2 and 1.3 <= smile.apex <= 2.5
    assert smile.grade == "D" and smile.person == "P1" and smile.side is None
    assert {"AU12", "AU12_rel", "AU43", "AU45", "time", "frame"} <= set(series["P1"])
    why = {gap.what: gap.why for gap in missing}
    assert "AU34" in why["action units"] and "AU12" not in why["action units"]
    assert "AU28" in why["intensity"] and "left" in why["sides"]


def test_rows_that_failed_are_gaps(tmp_path: Path) -> None:
    table = read_table(openface2(tmp_path, fail=range(40, 55)), fps=0)
    assert np.isnan(table.columns["AU12"][40:55]).all()
    _, cues, _ = from_table(table)
    assert len([cue for cue in cues if cue.code == "AU12"]) == 2


def test_two_faces_are_two_people(tmp_path: Path) -> None:
    series, cues, _ = from_table(read_table(openface2(tmp_path, faces=2), fps=0))
    assert list(series) == ["P1", "P2"]
    assert {len(columns["time"]) for columns in series.values()} == {100}
    assert {cue.person for cue in cues} == {"P1"}


def test_py_feat_scores_are_put_on_five_steps_and_frames_on_seconds(tmp_path: Path) -> None:
    header = "frame,FaceRectX,FaceScore,x_0,AU06,AU12,AU43,anger,happiness,input"
    rows = [
        f"{i}.0,10,0.99,5,{0.4 * s:.3f},{0.2 + 0.7 * s:.3f},0.1,0.9,0.0,clip.mp4"
        for i, s in enumerate(SMILE)
    ]
    rows[80] = "80.0,,,,,,,,,clip.mp4"
    table = read_table(written(tmp_path / "feat.csv", header, rows), FPS)
    assert table.source.name == "py-feat" and "times 5" in table.source.scale
    assert table.columns["AU12"][40] == pytest.approx(4.5, abs=0.01)
    assert np.isnan(table.columns["AU12"][80])
    assert table.times[50] == pytest.approx(2.0)
    series, cues, _ = from_table(table)
    smile = next(cue for cue in cues if cue.code == "AU12")
    assert smile.relative == pytest.approx(3.5, abs=0.2)
    assert smile.value == pytest.approx(4.5, abs=0.1)
    assert not any("anger" in name or "happ" in name for name in series["P1"])


def test_libreface_intensities_and_detections(tmp_path: Path) -> None:
    header = "frame_idx,frame_time_in_ms,pitch,facial_expression,au_6,au_7,au_12,au_12_intensity"
    rows = [
        f"{i},{i * 40},0.1,Happiness,0,{int(s > 0.5)},{int(s > 0.5)},{3 * s:.2f}"
        for i, s in enumerate(SMILE)
    ]
    table = read_table(written(tmp_path / "libre.csv", header, rows), fps=0)
    assert table.source.name == "LibreFace"
    assert table.presence == (6, 7)
    assert table.columns["AU12"].max() == pytest.approx(3.0)
    assert set(np.unique(table.columns["AU07"])) == {0.0, 2.0}
    assert table.times[50] == pytest.approx(2.0)


def test_openface_3_scores(tmp_path: Path) -> None:
    rows = [f"{i},0.1,0.2,{s:.2f},{0.5 * s:.2f}" for i, s in enumerate(SMILE)]
    path = written(tmp_path / "of3.csv", "Frame,gaze_yaw,emotion,AU12,AU25", rows)
    table = read_table(path, FPS)
    assert table.source.name == "OpenFace 3"
    assert table.columns["AU12"].max() == pytest.approx(5.0)


def test_a_table_of_ones_own_with_sides(tmp_path: Path) -> None:
    rows = [f"{i / FPS};{3 * s:.2f};0" for i, s in enumerate(SMILE)]
    path = written(tmp_path / "own.csv", "Time;au14_l;AU14_R", rows)
    _, cues, missing = from_table(read_table(path, fps=0))
    (cue,) = cues
    assert cue.code == "AU14" and cue.side == "L"
    assert "sides" not in {gap.what for gap in missing}


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        ("a,b,c", ["1,2,3"], "no action unit columns"),
        ("AU06,AU12", ["1,2"], "no known program"),
        ("time,AU12", [], "no rows"),
        ("time,AU12", ["0,zebra"], "'zebra' in column au12"),
        ("time,AU12", ["0,1", "0.1"], "line 3"),
        ("time,AU12", ["0,", "0.1,nan"], "no row has a face"),
        ("frame,FaceScore,AU12", ["0,1,0.1", "1,1,0.1"], "frame rate"),
        ("time,AU01,AU02,AU03,AU08", ["0,1,1,1,1"], "by place, not by FACS"),
        ("frame,FaceScore,AU12,input", ["0,1,0.1,a.png", "1,1,0.1,b.png"], "2 different inputs"),
    ],
)
def test_what_is_no_known_table_is_refused_with_the_reason(
    tmp_path: Path, header: str, rows: list[str], said: str
) -> None:
    path = written(tmp_path / "table.csv", header, rows)
    with pytest.raises(TableError) as refused:
        read_table(path, fps=0)
    assert said in str(refused.value) and "table.csv" in str(refused.value)


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    binary, empty = tmp_path / "clip.mp4", tmp_path / "empty.csv"
    binary.write_bytes(bytes(range(256)) * 8)
    empty.touch()
    for path in (binary, empty, tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(TableError, match=path.name):
            read_table(path, FPS)


def at_rest(tmp_path: Path, smile: range = range(0)) -> Evidence:
    """Evidence of ten seconds of a table in which nothing moves but a smile in some rows."""
    header = "frame, face_id, timestamp, confidence, success, AU04_r, AU06_r, AU12_r, AU45_r"
    rows = [
        f"{n},0,{n / 30:.3f},0.98,1,0.1,{h:.2f},{h:.2f},0.05"
        for n in range(300)
        for h in [0.1 + 3.4 * (n in smile)]
    ]
    path = written(tmp_path / "rest.csv", header, rows)
    seen = _Listed(path, by_hand.media(duration=10.0)).finish()
    return Evidence(
        media=by_hand.media(duration=10.0, has_audio=False),
        people=seen.people,
        cues=number(seen.cues),
        missing=seen.missing,
    )


def test_a_table_at_rest_is_measured_and_neutral(tmp_path: Path) -> None:
    evidence = at_rest(tmp_path)
    reading = appraise(evidence)
    assert reading.emotions[0].label == "neutral"
    text, *_ = reply(evidence, "Does she smile?", reading)
    assert text.startswith("No, no smile")
    told = ground_all(reading.claims, evidence)
    assert [claim.verdict for claim in told] == ["supported"] * len(told), told
    assert not ground(Claim(text="No wrinkled nose"), evidence).grounded, "the table lacks AU9"
    text, *_ = reply(evidence, "How many people are there?", reading)
    assert text.startswith("One person")


def test_a_short_smile_in_a_table_is_no_happiness_throughout(tmp_path: Path) -> None:
    evidence = at_rest(tmp_path, smile=range(100, 115))
    text, *_ = reply(evidence, "What changes?", appraise(evidence))
    assert "throughout" not in text
    assert text.startswith("In turn: no marked feeling") and "happiness (0:03" in text
    text, *_ = reply(evidence, "When does she smile?", appraise(evidence))
    assert re.search(r"At 0:03\.[234]–0:03\.[789]", text)


def test_units_that_a_table_lacks_are_not_counted_as_absent(tmp_path: Path) -> None:
    evidence = at_rest(tmp_path)
    (piece,) = judge(evidence).moments
    assert piece.face["AU04"] == 0.0
    assert "AU15" not in piece.face
