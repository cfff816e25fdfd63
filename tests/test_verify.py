"""Assertions against evidence, and sentences of strangers in six languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.grounding.parse import parse_claim
from agent.grounding.verify import together, verify
from agent.schema.assertion import Assertion
from agent.schema.evidence import Cue, Evidence, Media, Person, number
from eval.claims import judged, main


@pytest.fixture
def evidence() -> Evidence:
    media = Media(
        file="c.mp4", kind="video", duration=6.0, fps=30, width=640, height=360,
        has_video=True, has_audio=True, sha256="0" * 64,
    )  # fmt: skip
    people = (
        Person(id="P1", main=True, start=0.0, end=6.0, share=1.0, size=0.3),
        Person(id="P2", main=False, start=0.0, end=6.0, share=1.0, size=0.2),
    )

    def cue(sense: str, code: str, start: float, end: float, **more: object) -> Cue:
        base = {"sense": sense, "person": "P1", "code": code, "start": start, "end": end,
                "apex": (start + end) / 2, "text": code, "confidence": 0.8}  # fmt: skip
        return Cue.model_validate(base | more)

    cues = number(
        [
            cue("face", "AU12", 1.0, 3.0, side="B", intensity=3.2, grade="C", relative=3.2),
            cue("face", "AU04", 4.0, 5.5, side="B", intensity=2.0, grade="B", relative=2.0),
            cue("voice", "pitch", 1.0, 3.0, value=220.0, unit="Hz", relative=1.8),
            cue("words", "phrase", 1.2, 2.8, text="We got the flat"),
        ]
    )
    return Evidence(media=media, people=people, cues=cues)


def says(evidence: Evidence, cites: tuple[str, ...] = (), **fields: object) -> str:
    assertion = Assertion.model_validate({"subject": "P1"} | fields)
    return verify(assertion, evidence, cites).outcome


def test_what_a_cited_cue_shows_is_supported(evidence: Evidence) -> None:
    assert says(evidence, ("A1",), what="AU12") == "supported"
    assert says(evidence, ("A1",), what="AU12", at=(1.0, 2.0)) == "supported"
    assert says(evidence, ("A1",), what="AU12", relation="both") == "supported"


@pytest.mark.parametrize(
    ("cites", "fields"),
    [
        (("A9",), {"what": "AU12"}),
        (("A2",), {"what": "AU12"}),
        (("A1",), {"what": "AU12", "at": (4.5, 6.0)}),
        (("A1",), {"what": "AU12", "relation": "left"}),
        (("A1",), {"what": "AU12", "subject": "P2"}),
        ((), {"what": "AU12", "relation": "absent"}),
        ((), {"what": "AU09"}),
        (("V1",), {"what": "pitch", "relation": "less"}),
        (("A1",), {"what": "AU12", "value": "E"}),
        (("W1",), {"what": "words", "relation": "quote", "value": "we lost the flat"}),
    ],
)
def test_what_the_record_denies_is_contradicted(
    evidence: Evidence, cites: tuple[str, ...], fields: dict[str, object]
) -> None:
    assert says(evidence, cites, **fields) == "contradicted"


@pytest.mark.parametrize("what", ["tears", "AU38", "thoughts", "emotion:jealousy"])
def test_what_no_sense_could_tell_is_unverified(evidence: Evidence, what: str) -> None:
    assert says(evidence, what=what) == "unverified"


def test_absence_stands_where_it_could_have_been_seen(evidence: Evidence) -> None:
    assert says(evidence, what="AU09", relation="absent") == "supported"
    assert says(evidence, what="AU12", relation="absent", at=(3.6, 6.0)) == "supported"


def test_no_assertion_is_no_support() -> None:
    assert together([]).outcome == "unverified"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Sie lächelt."),
        ("fr", "Elle sourit."),
        ("es", "Ella sonríe."),
        ("zh", "她在微笑。"),
        ("ja", "彼女は微笑んでいます。"),
        ("en", "She smiles."),
    ],
)
def test_a_true_sentence_is_supported_in_six_languages(
    evidence: Evidence, language: str, text: str
) -> None:
    found = judged({"text": text, "cites": ["A1"], "language": language}, evidence)
    assert found.outcome == "supported", found.why


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Sie plant ihre Rache."),
        ("de", "Sie lächelt, weil sie betrunken ist."),
        ("fr", "Elle ment pour cacher un crime."),
        ("es", "Ella planea su venganza."),
        ("zh", "她在计划报复。"),
        ("ja", "彼女は復讐を計画しています。"),
        ("en", "She is plotting revenge."),
        ("ru", "Она улыбается."),
    ],
)
def test_an_invented_sentence_is_never_supported(
    evidence: Evidence, language: str, text: str
) -> None:
    found = judged({"text": text, "cites": ["A1"], "language": language}, evidence)
    assert found.outcome != "supported"


def test_a_denial_is_read_as_one() -> None:
    (said,) = parse_claim("Sie lächelt nicht.", "P1", "de").asserts
    assert (said.what, said.relation) == ("AU12", "absent")


def test_a_file_of_claims_gives_a_verdict_a_line(
    evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, claims = tmp_path / "evidence.json", tmp_path / "claims.jsonl"
    record.write_text(evidence.to_json(), encoding="utf-8")
    rows = [
        {"text": "She smiles.", "cites": ["A1"]},
        {"asserts": [{"subject": "P1", "what": "AU12", "relation": "absent"}]},
    ]
    claims.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main([str(claims), "--evidence", str(record), "--json"]) == 0
    told = [json.loads(line)["verdict"] for line in capsys.readouterr().out.splitlines()]
    assert told == ["supported", "contradicted"]


def test_a_bad_line_is_named(
    evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, claims = tmp_path / "evidence.json", tmp_path / "claims.jsonl"
    record.write_text(evidence.to_json(), encoding="utf-8")
    claims.write_text('{"text": "She smiles."}\n{"cites": []}\n', encoding="utf-8")
    assert main([str(claims), "--evidence", str(record)]) == 2
    assert "line 2" in capsys.readouterr().err
