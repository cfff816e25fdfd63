"""Subtitles as people and programs write them: what can be read is read, the rest is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.schema.evidence import Media
from agent.senses.speech import subtitles
from agent.senses.speech.words import Words, WordsError, words
from agent.util.texts import EncodingError, decode

MEDIA = Media(
    file="a.mp4", kind="video", duration=20, fps=30, width=64, height=48,
    has_video=True, has_audio=False, sha256="0" * 64,
)  # fmt: skip


def read(tmp_path: Path, content: str | bytes, name: str = "a.srt") -> subtitles.Script:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return subtitles.read(path)


def spans(found: subtitles.Script) -> list[tuple[float, float, str]]:
    return [(round(line.start, 3), round(line.end, 3), line.text) for line in found.lines]


def srt(*captions: tuple[str, str], break_: str = "\n") -> str:
    return break_.join(
        f"{number}{break_}{times}{break_}{text}{break_}"
        for number, (times, text) in enumerate(captions, 1)
    )


ROLLED = [
    ("00:00:01.000 --> 00:00:02.500", " \nI<00:00:01.200><c> am</c><00:00:01.500><c> so</c>"),
    ("00:00:02.500 --> 00:00:02.510", "I am so\n "),
    ("00:00:02.510 --> 00:00:05.000", "I am so\nhappy<00:00:03.200><c> today</c>"),
    ("00:00:05.000 --> 00:00:05.010", "happy today\n "),
]


def webvtt(captions: list[tuple[str, str]]) -> str:
    head = "WEBVTT\nKind: captions\nLanguage: en\n\n"
    return head + "\n".join(f"{times} align:start\n{text}\n" for times, text in captions)


def test_captions_that_roll_up_give_each_word_once_at_its_time(tmp_path: Path) -> None:
    found = read(tmp_path, webvtt(ROLLED), "a.en.vtt")
    assert spans(found) == [(1.0, 2.5, "I am so"), (2.5, 5.0, "happy today")]
    assert found.language == "en" and not found.notes


def test_two_rows_that_roll_up_without_steps_between(tmp_path: Path) -> None:
    rolled = [
        ("00:00:01.000 --> 00:00:02.000", "one two"),
        ("00:00:02.000 --> 00:00:03.000", "one two\nthree four"),
        ("00:00:03.000 --> 00:00:04.000", "three four\nfive"),
    ]
    once = [(1, 2, "one two"), (2, 3, "three four"), (3, 4, "five")]
    assert spans(read(tmp_path, webvtt(rolled), "a.vtt")) == once
    assert spans(read(tmp_path, srt(*rolled))) == once


def test_a_line_that_is_built_up_word_by_word_is_one_line(tmp_path: Path) -> None:
    built = [
        ("00:00:01.000 --> 00:00:01.300", "you"),
        ("00:00:01.300 --> 00:00:01.700", "you are"),
        ("00:00:01.700 --> 00:00:03.000", "you are here"),
    ]
    assert spans(read(tmp_path, srt(*built))) == [(1, 3, "you are here")]
    chinese = [
        ("00:00:01.000 --> 00:00:01.300", "今天"),
        ("00:00:01.300 --> 00:00:03.000", "今天真好"),
    ]
    assert spans(read(tmp_path, srt(*chinese))) == [(1, 3, "今天真好")]


def test_what_is_said_twice_stays_said_twice(tmp_path: Path) -> None:
    said = [
        ("00:00:01,000 --> 00:00:02,000", "No."),
        ("00:00:02,000 --> 00:00:03,000", "No way."),
        ("00:00:05,000 --> 00:00:06,000", "No way."),
        ("00:00:06,000 --> 00:00:07,000", "way. Out"),
    ]
    assert [line.text for line in read(tmp_path, srt(*said)).lines] == [text for _, text in said]


def test_one_bad_line_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        srt(
            ("00:00:01,000 --> 00:00:02,000", "fine"),
            ("00:00:0A,000 --> 00:00:05,000", "broken time"),
            ("00:00:06,000 --> 00:00:07,000", "fine again"),
        ),
    )
    assert [line.text for line in found.lines] == ["fine", "fine again"]
    [note] = found.notes
    assert "line 6" in note and "00:00:0A,000" in note and "a.srt" in note


@pytest.mark.parametrize(
    "broken", ["-->", "00:00:05,000 -->", "--> 00:00:05,000", "5 --> 6 o'clock"]
)
def test_siblings_of_a_bad_line(tmp_path: Path, broken: str) -> None:
    fine = "00:00:01,000 --> 00:00:02,000"
    found = read(tmp_path, srt((fine, "fine"), (broken, "lost"), (fine, "also")))
    assert {line.text for line in found.lines} == {"fine", "also"}
    assert "line 6" in found.notes[0]


@pytest.mark.parametrize(
    ("times", "span"),
    [
        ("00:00:01 --> 00:00:02", (1, 2)),
        ("0:0:1.5 --> 0:0:2.25", (1.5, 2.25)),
        ("00:01.5 --> 00:02", (1.5, 2)),
        ("00:00:01:500 --> 00:00:02:250", (1.5, 2.25)),
        ("00 : 00 : 01 , 500 --> 00 : 00 : 02 , 250", (1.5, 2.25)),
        ("00:00:01,500 -> 00:00:02,250", (1.5, 2.25)),
        ("00:00:01,500 —> 00:00:02,250", (1.5, 2.25)),
        ("00:00:01,5004 --> 00:00:02,2500 X1:100 X2:200", (1.5, 2.25)),
        ("1.5 --> 2.25", (1.5, 2.25)),
        ("-00:00:01,000 --> 00:00:02,000", (-1, 2)),
        ("-00:00:03,000 --> -00:00:01,000", (-3, -1)),
    ],
)
def test_odd_times(tmp_path: Path, times: str, span: tuple[float, float]) -> None:
    found = read(tmp_path, srt((times, "said")))
    assert [(line.start, line.end) for line in found.lines] == [pytest.approx(span, abs=1e-3)]
    assert not found.notes


def test_what_lies_before_the_clip_is_counted_and_the_rest_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(
        srt(
            ("-00:00:03,000 --> -00:00:01,000", "before the cut"),
            ("-00:00:01,000 --> 00:00:01,000", "half of it"),
            ("00:00:01,000 --> 00:00:02,000", "I am so happy"),
        )
    )
    found = words(tmp_path / "a.mp4", MEDIA)
    assert [(cue.start, cue.text) for cue in found.cues] == [
        (0, "half of it"),
        (1, "I am so happy"),
    ]
    assert "1 of 3" in found.missing[0].why


def test_empty_rows_inside_a_caption(tmp_path: Path) -> None:
    text = srt(
        ("00:00:01,000 --> 00:00:02,000", "first\n\nsecond"),
        ("00:00:03,000 --> 00:00:04,000", "\nthird"),
        ("00:00:05,000 --> 00:00:06,000", "42\n"),
    )
    said = ["first second", "third", "42"]
    assert [line.text for line in read(tmp_path, text).lines] == said
    doubled = read(tmp_path, text.replace("\n", "\r\r\n"))
    assert [line.text for line in doubled.lines] == said
    two = [("00:00:01,000 --> 00:00:02,000", "a"), ("00:00:03,000 --> 00:00:04,000", "b")]
    every_second = read(tmp_path, srt(*two, break_="\n\n"))
    assert [line.text for line in every_second.lines] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "open from 10:00 --> 11:00",
        "10:00 --> 11:00",
        "go --> there",
        "a --> b\nc",
        "meet me\n10:00 --> 11:00\nor later",
        "00:00:09,000 --> 00:00:10,000",
    ],
)
def test_text_that_looks_like_times(tmp_path: Path, text: str) -> None:
    found = read(
        tmp_path,
        srt(("00:00:01,000 --> 00:00:02,000", text), ("00:00:03,000 --> 00:00:04,000", "end")),
    )
    assert spans(found) == [(1, 2, " ".join(text.split())), (3, 4, "end")]
    assert not found.notes


def test_webvtt_names_notes_and_a_missing_head(tmp_path: Path) -> None:
    body = "NOTE\n00:00 --> 1\nnot said\n\nintro --> x\n00:01.000 --> 00:02.000\nhi\n"
    assert spans(read(tmp_path, "WEBVTT\n\n" + body, "a.vtt")) == [(1, 2, "hi")]
    found = read(tmp_path, "00:01.000 --> 00:02.000\nhi\n", "a.vtt")
    assert spans(found) == [(1, 2, "hi")] and "WEBVTT" in found.notes[0]
    assert spans(read(tmp_path, "WEBVTT\n\n00:01.000 --> 00:02.000\n&amp;\n")) == [(1, 2, "&")]


def test_items_of_a_transcript_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    held = '[{"start": 0, "end": 1, "text": "a"}, {"start": "soon"}, 7, {"start": 2, "text": "b"}]'
    found = read(tmp_path, held, "a.json")
    assert [line.text for line in found.lines] == ["a", "b"]
    assert "2 lines are left out, at item 2, 3" in found.notes[0]


LEGACY = {
    "gbk": ["我太高兴了,今天真是美好的一天", "大家好", "你好吗？我很好。谢谢"],
    "big5": ["我太高興了，今天真是美好的一天", "大家好，謝謝你"],
    "shift_jis": ["今日はとても嬉しいです。", "本当ですか？"],
    "euc_jp": ["今日はとても嬉しいです。"],
    "iso2022_jp": ["今日はとても嬉しいです。"],
    "cp949": ["오늘은 정말 행복합니다", "안녕하세요"],
    "cp1251": ["Я так счастлив сегодня", "Уходи отсюда!"],
    "koi8_r": ["Я так счастлив сегодня"],
    "cp1252": ["Grüße aus Köln", "C'était déjà très bien", "Mañana, señor", "It’s “fine”", "café"],
    "cp1250": ["Dziś jestem bardzo szczęśliwy", "Děkuji, příteli"],
    "cp1254": ["Bugün çok mutluyum, teşekkür ederim"],
    "cp1253": ["Είμαι πολύ χαρούμενος σήμερα"],
    "cp1255": ["אני מאוד שמח היום"],
    "cp1256": ["أنا سعيد جدا اليوم"],
    "cp874": ["วันนี้ฉันมีความสุขมาก"],
    "utf-16-le": ["I am so happy", "我太高兴了"],
    "utf-16-be": ["Я так счастлив сегодня"],
}


@pytest.mark.parametrize(("coding", "text"), [(k, t) for k, ts in LEGACY.items() for t in ts])
def test_an_encoding_that_nobody_states_is_told_by_the_content(
    tmp_path: Path, coding: str, text: str
) -> None:
    found = read(tmp_path, srt(("00:00:01,000 --> 00:00:02,000", text)).encode(coding))
    assert [line.text for line in found.lines] == [text]
    assert len(found.notes) == 1 and "a.srt" in found.notes[0], "a guess is said"


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_that_is_stated_needs_no_note(coding: str) -> None:
    found = decode("Ça va, 你好".encode(coding))
    assert found.text.lstrip("\ufeff") == "Ça va, 你好" and found.note is None


def test_damaged_letters_are_counted_and_what_is_no_text_is_refused() -> None:
    found = decode("я очень рад тебя видеть".encode() + b"\xff")
    assert found.encoding == "utf-8" and found.note is not None and "1 damaged" in found.note
    for data in (b"\x00\x01\x02\x00\x00\xff", b"\x80\x81\xff\x9d\x8f\xff"):
        with pytest.raises(EncodingError):
            decode(data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.srt", b"1\n00:00:0A,000 --> 00:xx\nhi"),
        ("a.srt", b"no subtitles at all"),
        ("a.vtt", b"\x00\xff\x00\x80"),
        ("a.de.srt", b"\xff\xfe\x00"),
    ],
)
def test_a_file_that_was_only_found_never_stops_a_clip(
    tmp_path: Path, name: str, data: bytes
) -> None:
    clip = tmp_path / "a.mp4"
    (tmp_path / name).write_bytes(data)
    found: Words = words(clip, MEDIA)
    assert not found.cues
    assert any(name in gap.why and "left aside" in gap.why for gap in found.missing)
    with pytest.raises(WordsError):
        words(clip, MEDIA, tmp_path / name)
