"""What an answer hangs on: evidence taken away and read again, by the rules and by a model."""

from __future__ import annotations

import gzip
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import by_hand
import loopback
import numpy as np
import pytest
from commands import duchenne
from loopback import GOOD, said, step_of, text_of
from PIL import Image

from agent import api
from agent.cli import show
from agent.graph.conversation import Conversation, ThreadError
from agent.models.clients.openai import OpenAIHost
from agent.models.connect import Language
from agent.perception import look as perceive
from agent.perception import series
from agent.reading.ablation import CHANNELS, Taken, channels_of, contributions, hidden, without
from agent.reading.judge import judge
from agent.render.showing import Showing
from agent.render.voice_picture import decode_voice
from agent.schema.answer import Answer
from agent.schema.counterfactual import Counterfactual
from agent.schema.evidence import Evidence, Window
from eval import why as bench

QUESTION = "What does the person feel?"


@pytest.fixture(scope="module")
def smile(media: Path) -> perceive.Look:
    return perceive.look(perceive.Request(media / "smile.mp4"))


@pytest.fixture(scope="module")
def explained(smile: perceive.Look) -> tuple[Answer, Counterfactual]:
    with Conversation(smile.evidence, model="rules") as talk:
        answer = talk.ask(QUESTION)
        return answer, talk.why()


def cue_of(evidence: Evidence, code: str) -> str:
    return next(cue.id for cue in evidence.cues if cue.code == code)


# --- the record without ---------------------------------------------------------------------


def test_taking_nothing_away_changes_nothing(smile: perceive.Look) -> None:
    assert without(smile.evidence, Taken()) == smile.evidence


def test_a_unit_goes_with_its_measurements_while_it_lasts_and_no_other_does(
    smile: perceive.Look,
) -> None:
    evidence = smile.evidence
    cue = evidence.cue(cue_of(evidence, "AU12"))
    assert cue is not None
    left = without(evidence, Taken(cues=frozenset({cue.id})))
    assert left.cue(cue.id) is None and len(left.cues) == len(evidence.cues) - 1
    kept = {(w.start, w.sense): w.values for w in left.windows}
    for window in evidence.windows:
        lost = window.values.keys() - kept[window.start, window.sense].keys()
        inside = min(cue.end, window.end) - max(cue.start, window.start) > 1e-6
        assert lost == ({"AU12", "AU12_L", "AU12_R"} if inside else set())
    assert "AU12" in left.missing[-1].why


def test_without_every_channel_nothing_is_left(smile: perceive.Look) -> None:
    left = without(smile.evidence, Taken(channels=frozenset(CHANNELS)))
    assert not left.cues and not left.windows


def test_another_persons_cue_leaves_this_ones_windows_alone() -> None:
    windows = tuple(
        Window(person=p, sense="face", start=0, end=10, values={"AU12": 1.0, "AU04": 1.0})
        for p in ("P1", "P2")
    )
    evidence = by_hand.two_people().model_copy(update={"windows": windows})
    frown = next(c.id for c in evidence.cues if c.code == "AU04" and c.person == "P2")
    first, second = without(evidence, Taken(cues=frozenset({frown}))).windows
    assert first == windows[0]
    assert second.values == {"AU12": 1.0}
    assert hidden(evidence, Taken(cues=frozenset({frown})), "face", "P1") == []
    assert hidden(evidence, Taken(cues=frozenset({frown})), "face", "P2") == [(2.0, 6.0)]


def test_voice_cues_take_their_own_functionals() -> None:
    values = {"f1_hz_mean": 9.0, "f1_hz_sd": 1.0, "hnr_db_mean": 9.0, "syllables": 4.0}
    window = Window(person="P1", sense="voice", start=1, end=4, values=values)
    cues = [
        by_hand.voice("openness", 1.0, 4.0, 2.0, "wide-open vowels"),
        by_hand.voice("rate", 1.0, 4.0, 2.0, "fast"),
        by_hand.voice("speech", 1.0, 4.0, 2.0, "speaks"),
    ]
    evidence = by_hand.smiling(cues=by_hand.number(cues), windows=(window,))
    lost = {
        cue.code: values.keys()
        - without(evidence, Taken(cues=frozenset({cue.id}))).windows[0].values.keys()
        for cue in evidence.cues
    }
    assert lost == {"openness": {"f1_hz_mean", "f1_hz_sd"}, "rate": {"syllables"}, "speech": set()}


# --- by the rules ---------------------------------------------------------------------------


def test_a_smile_hangs_on_the_muscles_that_made_it(
    media: Path, smile: perceive.Look, explained: tuple[Answer, Counterfactual]
) -> None:
    answer, found = explained
    assert found.label == answer.emotions[0].label == "happiness"
    assert found.share == pytest.approx(answer.emotions[0].share, abs=1e-4)
    true = bench.truth(media / "smile.mp4")
    first = smile.evidence.cue(found.cues[0].taken)
    assert first is not None and true.acts(int(first.code[2:]), first.start, first.end)
    assert found.cues[0].change < -0.05


def test_changes_are_what_reading_again_gives(
    smile: perceive.Look, explained: tuple[Answer, Counterfactual]
) -> None:
    _, found = explained
    one = found.cues[0]
    left = without(smile.evidence, Taken(cues=frozenset({one.taken})))
    again = judge(left, found.person, found.span).shares
    assert one.share == pytest.approx(again["happiness"], abs=1e-3)
    assert one.change == pytest.approx(one.share - found.share, abs=1e-3)
    sizes = [abs(effect.change) for effect in found.cues]
    assert sizes == sorted(sizes, reverse=True)


def test_every_channel_that_was_measured_is_tried(
    smile: perceive.Look, explained: tuple[Answer, Counterfactual]
) -> None:
    names = {effect.taken for effect in explained[1].channels}
    assert names == set(channels_of(smile.evidence, smile.evidence.cues))
    assert "face" in names and "voice" not in names


def test_the_deletion_curve_starts_and_ends_alike_and_beats_chance(
    explained: tuple[Answer, Counterfactual],
) -> None:
    curve = explained[1].curve
    assert curve is not None
    assert curve.taken[0] == 0 and curve.taken[-1] == len(explained[1].cues)
    assert curve.ranked[0] == curve.random[0] and curve.ranked[-1] == curve.random[-1]
    assert curve.gap > 0


def test_contributions_of_cues_add_up_to_those_of_their_sources(smile: perceive.Look) -> None:
    judged = judge(smile.evidence)
    smiles = [c for c in judged.cues if c.code == "AU12"]
    moment = max(
        range(len(judged.moments)),
        key=lambda i: any(c.start <= judged.moments[i].start <= c.end for c in smiles),
    )
    piece, why = judged.moments[moment], judged.reasons[moment]
    alone = replace(judged, moments=(piece,), reasons=(why,))
    of_cues = contributions(alone, "happiness")
    shown = {
        source: value
        for source, value in why.for_label("happiness").items()
        if source in ("AU12", "AU06", "AU25")
        and any(c.code == source and c.start <= piece.end and c.end >= piece.start
                for c in judged.cues)
    }  # fmt: skip
    by_code: dict[str, float] = {}
    for cue in judged.cues:
        if cue.code in shown:
            by_code[cue.code] = by_code.get(cue.code, 0.0) + of_cues.get(cue.id, 0.0)
    assert shown
    for code, value in shown.items():
        one_sided = why.for_label("happiness").get(f"{code}_uni", 0.0)
        assert by_code[code] == pytest.approx(value + one_sided)


def test_the_same_answer_is_explained_the_same_way_twice(smile: perceive.Look) -> None:
    with Conversation(smile.evidence, model="rules") as talk:
        talk.ask(QUESTION)
        assert talk.why() == talk.why()


def test_only_the_moment_asked_about_is_explained(smile: perceive.Look) -> None:
    with Conversation(smile.evidence, model="rules") as talk:
        talk.ask("What does the person feel between 0.7 and 2.3 seconds?")
        found = talk.why()
    assert found.span == (0.7, 2.3)
    cues = [smile.evidence.cue(effect.taken) for effect in found.cues]
    assert all(cue is not None and cue.start <= 2.3 and cue.end >= 0.7 for cue in cues)


def test_without_a_question_there_is_nothing_to_explain(smile: perceive.Look) -> None:
    with (
        Conversation(smile.evidence, model="rules") as talk,
        pytest.raises(ThreadError, match="ask a question first"),
    ):
        talk.why()


def test_an_answer_that_states_no_feeling_is_not_explained() -> None:
    empty = Evidence(media=by_hand.media())
    with Conversation(empty, model="rules") as talk:
        answer = talk.ask(QUESTION)
        found = talk.why()
    assert answer.emotions == () and found.label is None and found.readings == 0
    assert "states no feeling" in show.why(found)


# --- by a model behind a host ---------------------------------------------------------------


def feels(request: loopback.Json) -> dict[str, Any]:
    """A model that believes in lip corners alone: happy where their row is in the evidence."""
    line = GOOD[step_of(request)]
    if step_of(request) != "emotion":
        return line
    happy = 80 if "AU12 lip corner puller |" in text_of(request) else 10
    emotions = [
        {"label": "happiness", "share": happy}, {"label": "neutral", "share": 100 - happy}
    ]  # fmt: skip
    return {**line, "emotions": emotions}


def test_a_model_is_asked_again_and_what_it_believed_in_moves_it_most() -> None:
    with loopback.host(lambda request: said(json.dumps(feels(request)))) as host:
        model = Language(OpenAIHost("tiny", host.url))
        with Conversation(by_hand.smiling(), model=model, pictures=by_hand.four_pictures) as talk:
            answer = talk.ask(QUESTION)
            found = talk.why()
    assert answer.emotions[0].label == found.label == "happiness"
    assert found.cues[0].taken == "A1" and found.cues[0].change == pytest.approx(-0.7)
    assert found.cues[0].leads == "neutral"
    assert {effect.change for effect in found.cues[1:]} == {0.0}
    cited = {id for claim in answer.claims if claim.grounded for id in claim.cites}
    assert {effect.taken for effect in found.cues} == cited
    assert {e.taken: e.change for e in found.channels}["face"] == pytest.approx(-0.7)
    assert all(effect.contribution is None for effect in found.cues)
    assert found.wobble == 0.0 and "counted" not in show.why(found)


def test_what_is_taken_away_is_not_told_to_the_model() -> None:
    with loopback.host(lambda request: said(json.dumps(feels(request)))) as host:
        model = Language(OpenAIHost("tiny", host.url))
        with Conversation(by_hand.smiling(), model=model) as talk:
            talk.ask(QUESTION)
            before = len(host.requests)
            talk.why()
    evidence = [text_of(request).split("# Your task")[0] for request in host.requests[before:]]
    assert any("we won, we really won" not in text for text in evidence)
    assert not any("taken away" in text for text in evidence)


def test_one_useless_reply_is_told_and_ends_nothing() -> None:
    def answering(request: loopback.Json) -> tuple[int, Any]:
        if "AU06 cheek raiser |" not in text_of(request):
            return said("I would rather not.")
        return said(json.dumps(feels(request)))

    with loopback.host(answering) as host:
        model = Language(OpenAIHost("tiny", host.url))
        with Conversation(by_hand.smiling(), model=model) as talk:
            talk.ask(QUESTION)
            found = talk.why()
    assert "A2" in found.failed and found.curve is None
    assert found.cues[0].taken == "A1"
    assert "no usable reply without" in show.why(found)


def test_a_model_that_wobbles_is_said_to() -> None:
    shares = iter([80, *[60] * 200])

    def answering(request: loopback.Json) -> tuple[int, Any]:
        line = GOOD[step_of(request)]
        if step_of(request) == "emotion":
            happy = next(shares)
            line = {**line, "emotions": [
                {"label": "happiness", "share": happy}, {"label": "neutral", "share": 100 - happy}
            ]}  # fmt: skip
        return said(json.dumps(line))

    with loopback.host(answering) as host:
        model = Language(OpenAIHost("tiny", host.url))
        with Conversation(by_hand.smiling(), model=model) as talk:
            talk.ask(QUESTION)
            found = talk.why()
    assert found.wobble == pytest.approx(0.2) and found.share == pytest.approx(0.6)
    assert "differs by 20%" in show.why(found)


# --- pictures -------------------------------------------------------------------------------


def test_frames_of_what_is_taken_away_are_not_shown(media: Path, smile: perceive.Look) -> None:
    showing = Showing(media / "smile.mp4", smile)
    span = (0.0, smile.evidence.media.duration)
    cue = smile.evidence.cue(cue_of(smile.evidence, "AU12"))
    assert cue is not None

    def times(taken: Taken) -> list[float]:
        partly = showing.without(without(smile.evidence, taken), taken)
        names = [picture.name for picture in partly("P1", span)]
        return [float(n.split()[2]) for n in names if n.startswith("frame")]

    assert any(cue.start <= time <= cue.end for time in times(Taken()))
    left = times(Taken(cues=frozenset({cue.id})))
    assert left and not any(cue.start <= time <= cue.end for time in left)
    assert times(Taken(channels=frozenset({"face"}))) == []


def test_the_curve_of_what_is_taken_away_is_not_drawn(media: Path, smile: perceive.Look) -> None:
    taken = Taken(cues=frozenset({cue_of(smile.evidence, "AU12")}))
    cue = smile.evidence.cue(next(iter(taken.cues)))
    assert cue is not None
    showing = Showing(media / "smile.mp4", smile)
    before = series.read_people(smile.folder / "series.parquet")["P1"]
    partly = showing.without(without(smile.evidence, taken), taken)._people["P1"]
    inside = (before["time"] >= cue.start) & (before["time"] <= cue.end)
    assert np.isnan(partly["AU12_rel"][inside].astype(float)).all()
    assert np.array_equal(partly["AU12"][~inside].astype(float), before["AU12"][~inside])
    assert np.array_equal(partly["AU06"], before["AU06"])


def test_the_voice_picture_falls_silent_where_its_cue_was(media: Path) -> None:
    found = perceive.look(perceive.Request(media / "talks.mp4"))
    span = (0.0, found.evidence.media.duration)
    showing = Showing(media / "talks.mp4", found)

    def mel(taken: Taken) -> np.ndarray | None:
        partly = showing.without(without(found.evidence, taken), taken)
        shown = [p for p in partly("P1", span) if p.name.startswith("voice")]
        return decode_voice(Image.open(io.BytesIO(shown[0].png))).mel if shown else None

    heard = next(c for c in found.evidence.cues if c.code == "speech")
    full, partly = mel(Taken()), mel(Taken(cues=frozenset({heard.id})))
    assert full is not None and partly is not None
    middle = slice(int(heard.start * 100) + 20, int(heard.end * 100) - 20)
    assert full[:, middle].max() > partly[:, middle].max() + 0.5
    assert mel(Taken(channels=frozenset({"voice"}))) is None


# --- the command ----------------------------------------------------------------------------


def test_the_command_prints_what_moved_it_and_remembers(media: Path) -> None:
    clip = str(media / "smile.mp4")
    plain = json.loads(duchenne("ask", clip, QUESTION, "--json").stdout)
    assert plain["counterfactual"] is None
    whole = json.loads(duchenne("ask", clip, QUESTION, "--why", "--json").stdout)
    found = Counterfactual.model_validate(whole["counterfactual"])
    assert found.label == "happiness" and found.cues and found.channels and found.curve
    text = duchenne("ask", clip, QUESTION, "--why").stdout
    assert "Why happiness" in text and found.cues[0].taken in text and "at random" in text
    answer = api.ask(clip, QUESTION, why=True)
    assert answer.counterfactual == found
    assert api.ask(clip, QUESTION).counterfactual is None


def test_a_model_loses_the_pictures_too(media: Path) -> None:
    """The whole way: frames and curves go with the cue that the model cites."""

    def answering(request: loopback.Json) -> tuple[int, Any]:
        line = dict(GOOD[step_of(request)])
        row = re.search(r"^(A\d+) .*AU12 lip corner puller \|", text_of(request), re.MULTILINE)
        if step_of(request) in ("behaviour", "cognition", "emotion"):
            text = "The lip corners rise."
            line["claims"] = [{"text": text, "cites": [row[1]]}] if row else []
        if step_of(request) == "emotion":
            happy = 80 if row else 10
            line["emotions"] = [
                {"label": "happiness", "share": happy}, {"label": "neutral", "share": 100 - happy}
            ]  # fmt: skip
        return said(json.dumps(line))

    with loopback.host(answering) as host:
        answer = api.ask(
            media / "smile.mp4", QUESTION, model="openai:tiny", base_url=host.url, why=True
        )
    found = answer.counterfactual
    assert found is not None and found.label == "happiness"
    assert found.cues[0].change == pytest.approx(-0.7)
    shown = [text_of(request).count("frame at") for request in host.requests]
    assert max(shown) > 3 and min(shown) == 0  # without the face no frame is left
    assert any(0 < count < max(shown) for count in shown)


# --- the measure ----------------------------------------------------------------------------


def written(folder: Path) -> Path:
    """A clip's truth: happiness from 1 to 3 s, a brief frown, a weak sneer."""
    times = np.arange(100) / 20
    smile = np.interp(times, [1, 1.5, 2.5, 3], [0, 4, 4, 0])
    group = {"side": "B", "onset": 1.0, "offset": 3.0, "group": "happiness"}
    record = {
        "fps": 20, "frames": {"AU12_L": list(smile), "AU12_R": list(smile * 0.1)},
        "events": [
            {"au": 12, "intensity": 4.0, **group},
            {"au": 6, "intensity": 1.0, **group, "onset": 1.1, "offset": 3.2},
            {**group, "au": 4, "intensity": 3.0, "onset": 4.0, "offset": 4.3, "group": "brief"},
            {**group, "au": 9, "intensity": 1.5, "onset": 3.5, "offset": 4.9, "group": "disgust"},
        ],
    }  # fmt: skip
    (folder / "a.json.gz").write_bytes(gzip.compress(json.dumps(record).encode()))
    return folder / "a.mp4"


def test_truth_tells_expressions_and_what_acts(tmp_path: Path) -> None:
    true = bench.truth(written(tmp_path))
    assert true.expressions == (("happiness", 1.0, 3.2),)
    assert true.acts(12, 1.5, 2.0)
    assert not true.acts(12, 3.5, 4.5) and not true.acts(9, 1.5, 2.0)


def test_the_first_mover_is_right_only_where_its_muscle_acts(
    explained: tuple[Answer, Counterfactual],
) -> None:
    found = explained[1]
    units = {e.taken: True for e in found.cues if e.taken.startswith("A")}
    right = bench.Explained("a", "happiness", found, units)
    wrong = bench.Explained("b", "happiness", found, dict.fromkeys(units, False))
    result = bench.report([right, wrong])
    assert result["first_mover_acts"]["mean"] == 0.5
    assert result["first_mover_acts"]["interval"] == [0.0, 1.0]
    assert result["same_first_by_both"]["n"] == 2
    assert "first mover acts" in bench.table(result)


def test_a_folder_without_truth_is_wrong_use(tmp_path: Path) -> None:
    assert bench.main([str(tmp_path)]) == 2
