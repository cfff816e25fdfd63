"""Records in notebooks and as tables."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import by_hand
import pytest

from agent.schema.answer import Answer, Claim, Emotion
from agent.schema.evidence import read
from agent.schema.notebook import timeline


def test_records_become_plain_values_and_back() -> None:
    evidence = by_hand.smiling()
    told = evidence.to_dict()
    assert [cue["id"] for cue in told["cues"]] == [cue.id for cue in evidence.cues]
    assert read(evidence.to_json()) == evidence


def test_cues_and_claims_become_tables() -> None:
    pandas = pytest.importorskip("pandas")
    table = by_hand.smiling().to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert list(table["code"]) == [cue.code for cue in by_hand.smiling().cues]


def test_a_clip_shows_itself_as_a_timeline_and_its_words_stay_text() -> None:
    evidence = by_hand.smiling()
    html = evidence._repr_html_()
    svg = re.search(r"<svg.*</svg>", html, re.DOTALL)
    assert svg is not None
    drawn = ElementTree.fromstring(svg[0])
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}rect"))) == len(evidence.cues)
    odd = evidence.cues[0].model_copy(update={"text": "<script>alert(1)</script>"})
    assert "<script>" not in timeline([odd], 10.0) and "&lt;script&gt;" in timeline([odd], 10.0)


def test_an_answer_shows_itself_with_what_stands() -> None:
    answer = Answer(
        answer="She smiles <b>now</b>.",
        person="P1",
        span=(0, 1),
        emotions=(Emotion(label="happiness", share=0.8),),
        claims=(
            Claim(text="She smiles.", cites=("A1",), verdict="supported"),
            Claim(text="She plots revenge.", grounded=False, verdict="unverified"),
        ),
        model="rules",
    )
    html = answer._repr_html_()
    assert "&lt;b&gt;now" in html and "80%" in html and "A1" in html
    assert "revenge" not in html
    assert answer.to_dict()["person"] == "P1"
