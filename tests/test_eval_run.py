"""duchenne eval BENCH: records, resume, leaks, groups, the report in its three forms."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import shutil
import subprocess
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from eval import page, records, report, report_text, run, run_cli, samples
from eval.predict import Model, neutral
from eval.records import Log, Record
from eval.run import RunError
from eval.samples import Sample

LABELS = ("happy", "sad", "angry", "neutral")


def people(folder: Path, persons: int = 8, each: int = 6) -> list[Sample]:
    """Samples of several people; the clips are not there."""
    draw = random.Random(0)
    return [
        Sample(
            f"p{p}/{i}",
            folder / f"p{p}-{i}.wav",
            {"label": draw.choice(LABELS)},
            "own",
            person=f"p{p}",
            groups={"sex": "female" if p % 2 else "male"},
        )
        for p in range(persons)
        for i in range(each)
    ]


def guesses(found: list[Sample], right: float = 0.7) -> dict[str, Any]:
    """Answers with shares, right about as often as asked; the last two are missing and silent."""
    draw = random.Random(1)
    made: dict[str, Any] = {}
    for sample in found:
        gold = str(sample.labels["label"])
        label = gold if draw.random() < right else draw.choice(LABELS)
        other = draw.choice([name for name in LABELS if name != label])
        share = draw.uniform(0.5, 0.9)
        made[sample.id] = {
            "label": label,
            "emotions": [
                {"label": label, "share": share},
                {"label": other, "share": 1 - share},
            ],
        }
    made[found[-1].id] = None
    del made[found[-2].id]
    return made


def scored(found: list[Sample], given: Mapping[str, Any]) -> dict[str, Any]:
    plan = run.plan("own", found, None)
    return report.report(plan, Model("theirs"), run.of_predictions(plan, given))


def test_a_report_says_what_became_of_every_sample(tmp_path: Path) -> None:
    found = people(tmp_path)
    made = scored(found, guesses(found))
    counts = made["counts"]
    assert counts == {
        "samples": 48, "people": 8, "answered": 46, "silent": 1, "failed": 0, "missing": 1,
    }  # fmt: skip
    war = report.main_measure(made)
    assert war["name"] == "war" and war["scored"] == 46 and war["n"] == 48
    assert war["strict"] == pytest.approx(war["score"] * 46 / 48)
    assert war["interval"][0] < war["score"] < war["interval"][1]
    assert "whole people" in made["settings"]["intervals"]
    table = made["labels"]
    assert sum(map(sum, table["counts"])) == 48
    assert sum(row[-1] for row in table["counts"]) == 2
    hits = sum(row[i] for i, row in enumerate(table["counts"]))
    assert hits / 46 == pytest.approx(war["score"])
    assert made["first_two"]["share"] >= war["score"]


def test_groups_have_intervals_and_a_gap(tmp_path: Path) -> None:
    found = people(tmp_path)
    given = guesses(found, right=1.0)
    for sample in found:
        if sample.groups["sex"] == "female" and sample.id in given and given[sample.id]:
            given[sample.id] = {"label": "sad" if sample.labels["label"] != "sad" else "happy"}
    gap = scored(found, given)["groups"]["sex"]
    assert gap["groups"]["female"]["score"] == 0 and gap["groups"]["male"]["score"] == 1
    assert gap["gap"] == 1 and gap["interval"] == (1, 1) and not gap["few"]


def test_the_surest_errors_come_first(tmp_path: Path) -> None:
    found = people(tmp_path)
    given = guesses(found)
    worst = scored(found, given)["worst"]
    assert 0 < len(worst) <= report.WORST
    shares = [row["wrongness"] for row in worst]
    assert shares == sorted(shares, reverse=True)
    assert all(row["gold"] != row["said"] for row in worst)


def test_the_label_set_stays_whole_when_the_gold_lacks_one(tmp_path: Path) -> None:
    found = [Sample(f"a{i}", tmp_path / "a.wav", {"label": "sad"}, "emodb") for i in range(3)]
    from eval import cards

    plan = run.plan("emodb", found, cards.load("emodb"))
    made = report.report(plan, Model(), run.of_predictions(plan, dict.fromkeys("a", None) | {
        "a0": "boredom", "a1": "sad", "a2": "surprise"}))  # fmt: skip
    table = made["labels"]
    row = table["counts"][table["rows"].index("sadness")]
    assert row[table["columns"].index("boredom")] == 1
    assert row[table["columns"].index("another")] == 1


def test_action_units_are_pooled(tmp_path: Path) -> None:
    found = [
        Sample("a", tmp_path / "a.mp4", {"aus": ["AU12", "AU6"]}, "own"),
        Sample("b", tmp_path / "b.mp4", {"aus": []}, "own"),
        Sample("c", tmp_path / "c.mp4", {"aus": ["AU12"]}, "own"),
    ]
    made = scored(found, {"a": ["AU12"], "b": ["AU12"], "c": ["AU12"]})
    assert report.main_measure(made)["name"] == "au-f1"
    rows = {row["unit"]: row for row in made["units"]}
    assert rows[12] == {"unit": 12, "f1": 0.8, "support": 2, "said": 3, "hits": 2}
    assert rows[6]["f1"] == 0


def test_units_that_nobody_coded_are_neither_right_nor_wrong(tmp_path: Path) -> None:
    from eval import cards

    found = [Sample("a", tmp_path / "a.mp4", {"aus": ["AU12"]}, "disfa", person="SN001")]
    plan = run.plan("disfa", found, cards.load("disfa"))
    made = report.report(plan, Model(), run.of_predictions(plan, {"a": ["AU12", "AU7", "AU28"]}))
    assert report.main_measure(made)["score"] == 1
    assert [row["unit"] for row in made["units"]] == [12]


def test_valence_and_arousal(tmp_path: Path) -> None:
    found = [
        Sample(str(i), tmp_path / "a.mp4", {"valence": i / 5 - 1, "arousal": 0.1 * i}, "own")
        for i in range(10)
    ]
    given = {s.id: dict(s.labels) for s in found}
    made = scored(found, given)
    assert report.main_measure(made)["score"] == pytest.approx(1)
    assert len(made["points"]) == 10 and made["worst"] == []
    assert "<circle" in page.page(made, {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": "nowhere"}, "there are no splits"),
        ({"enrol": "bliss"}, "nobody has a clip with this label"),
        ({"seen": [{"dataset": "own", "person": "p1"}]}, "share their person"),
        ({"only": {"sex": "neither"}}, "sex is one of"),
    ],
)
def test_a_run_that_would_mean_nothing_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(RunError, match=said):
        run.plan("own", people(tmp_path), None, **change)


def test_people_in_two_splits_stop_the_run(tmp_path: Path) -> None:
    found = people(tmp_path)
    split = [
        dataclasses.replace(s, split="train" if i % 2 else "test") for i, s in enumerate(found)
    ]
    with pytest.raises(RunError, match=r"the splits leak.*same person"):
        run.plan("own", split, None)


def test_enrolment_by_label_leaves_the_test(tmp_path: Path) -> None:
    found = people(tmp_path)
    plan = run.plan("own", found, None, enrol="neutral")
    taken = set((plan.enrol or {}).values())
    assert taken and not taken & {s.path for s in plan.samples}
    assert len(plan.samples) == len(found) - len(taken)
    assert "is not scored" in str(plan.enrolled)


def test_several_splits_must_be_chosen_from(tmp_path: Path) -> None:
    found = [Sample(str(i), tmp_path / f"{i}.wav", {"label": "sad"}, "own", split=s)
             for i, s in enumerate(("s1", "s2"))]  # fmt: skip
    with pytest.raises(RunError, match=r"--split s1\|s2 or all"):
        run.plan("own", found, None)
    assert len(run.plan("own", found, None, split="all").samples) == 2
    assert [s.id for s in run.plan("own", found, None, split="s2").samples] == ["1"]


def test_gold_that_its_own_measure_cannot_read_stops_the_run(tmp_path: Path) -> None:
    found = [Sample("a", tmp_path / "a.mp4", {"aus": ["AU12"]}, "own"),
             Sample("b", tmp_path / "b.mp4", {"label": "sad", "aus": None}, "own")]  # fmt: skip
    made = dict(run.plan("own", found, None).checks)
    assert made["the gold held against its own war"] == "1.000 for 1 golds"
    clip = tmp_path / "a.mp4"
    strange = [Sample("a", clip, {"aus": ["AU99"]}, "own")]
    with pytest.raises(RunError, match=r"cannot read the gold \(1× gold: unknown action unit"):
        run.plan("own", strange, None)
    uneven = [Sample("a", clip, {"valence": 0.1, "arousal": 0.2}, "own"),
              Sample("b", clip, {"valence": 0.3}, "own")]  # fmt: skip
    with pytest.raises(RunError, match="the same dimensions"):
        run.plan("own", uneven, None)


def test_failures_are_records_and_a_rerun_goes_on(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"no sound at all")
    found = [
        Sample("broken", tmp_path / "broken.wav", {"label": "sad"}, "own"),
        Sample("gone", tmp_path / "gone.wav", {"label": "sad"}, "own"),
    ]
    plan = run.plan("own", found, None)
    file = tmp_path / "out" / "records.jsonl"
    made = run.run(plan, Model(), file)
    assert [r.status for r in made.values()] == ["failed", "failed"]
    assert "unreadable_media" in str(made["broken"].error) and "not there" in str(
        made["gone"].error
    )
    assert len(file.read_text().splitlines()) == 2
    run.run(plan, Model(), file)
    assert len(file.read_text().splitlines()) == 2
    run.run(plan, Model(), file, retry_failed=True)
    assert len(file.read_text().splitlines()) == 4
    run.run(plan, Model(profile="learning"), file, workers=2)
    assert len(file.read_text().splitlines()) == 5  # a clip that cannot be read has no settings
    summed = report.report(plan, Model(), made)
    assert summed["counts"]["failed"] == 2 and report.main_measure(summed)["scored"] == 0
    assert "unreadable_media" in page.page(
        summed, {}
    ) and "unreadable_media" in report_text.markdown(summed)


def test_a_torn_line_is_dropped_and_a_second_writer_refused(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    with Log(file) as log:
        log.add(Record("a", "k", "ok", "sad"))
        with pytest.raises(BlockingIOError):
            Log(file)
    with file.open("ab") as torn:
        torn.write(b'{"id": "b", "key": "k", "sta')
    assert list(records.read(file)) == ["a"]
    with Log(file) as log:
        log.add(Record("c", "k", "silent"))
    assert {id: r.status for id, r in records.read(file).items()} == {"a": "ok", "c": "silent"}


def test_names_of_files_tell_a_model_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))
    clip = tmp_path / "very_happy.wav"
    clip.write_bytes(b"RIFF")
    link = neutral(clip)
    assert "happy" not in link.name and link.read_bytes() == b"RIFF"
    assert neutral(clip) == link


class _Page(HTMLParser):
    """What a page asks for, and whether its tags match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.asked += [str(v) for k, v in attrs if k in {"src", "href", "action", "xlink:href"}]
        if tag not in {"meta", "img", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_nobody(tmp_path: Path) -> None:
    found = people(tmp_path)
    hostile = Sample(
        "<script>alert(1)</script>", tmp_path / "x.wav", {"label": "sad"}, "own", person="p9",
        groups={"sex": "<b>female</b>"},
    )  # fmt: skip
    given = guesses(found) | {hostile.id: {"label": "happy", "emotions": [
        {"label": "happy", "share": 0.99}, {"label": "sad", "share": 0.01}]}}  # fmt: skip
    from PIL import Image

    picture = tmp_path / "strip.png"
    Image.new("RGB", (2000, 40), "white").save(picture)
    text = page.page(scored([*found, hostile], given), {hostile.id: picture})
    read = _Page()
    read.feed(text)
    assert read.open == [] and "script" not in read.tags and "svg" in read.tags
    assert len(read.asked) == 1 and read.asked[0].startswith("data:image/png;base64,")
    assert "default-src 'none'" in text and "&lt;script&gt;" in text
    assert not re.search(r"nan|inf\b", re.sub(r"base64,[^\"]*", "", text), re.IGNORECASE)


def test_the_command_scores_predictions_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = people(tmp_path)
    samples.write(found, tmp_path / "own.jsonl")
    (tmp_path / "pred.json").write_text(json.dumps(guesses(found)))
    words = [str(tmp_path / "own.jsonl"), "--predictions", str(tmp_path / "pred.json"),
             "--out", str(tmp_path / "out"), "--json"]  # fmt: skip
    assert run_cli.main(words) == 0
    made = json.loads(capsys.readouterr().out)
    assert made == json.loads((tmp_path / "out" / "report.json").read_text())
    assert "| war |" in (tmp_path / "out" / "report.md").read_text()
    assert (tmp_path / "out" / "report.html").stat().st_size > 5000
    assert run_cli.main(words) == 0
    assert json.loads(capsys.readouterr().out) == made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["meld"], "where is meld? give --root"),
        (["meldy", "--root", "."], "did you mean"),
        (["raer", "--root", "."], "no reader yet"),
        (["nowhere.jsonl"], "no such file"),
        (["emodb", "--root", "."], "is not laid out"),
    ],
)
def test_wrong_use_says_what_to_do(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run_cli.main(words) == 2
    assert said in capsys.readouterr().err


def test_recordings_through_the_rules(
    emodb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    words = ["emodb", "--root", str(emodb), "--sample", "2", "--out", str(out)]
    assert run_cli.main(words) == 0
    first = (out / "records.jsonl").read_text()
    kept = [json.loads(line) for line in first.splitlines()]
    assert [row["status"] for row in kept] == ["ok", "ok"]
    assert all(row["sensing_s"] > 0 and row["claims"] > 0 for row in kept)
    shares = [e["share"] for e in kept[0]["prediction"]["emotions"]]
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert run_cli.main(words) == 0
    assert (out / "records.jsonl").read_text() == first
    assert "report.html" in capsys.readouterr().out


def test_a_host_that_answers_nobody_stops_the_run(
    emodb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))
    words = ["emodb", "--root", str(emodb), "--out", str(tmp_path / "out"),
             "--model", "openai:x", "--base-url", "http://127.0.0.1:9/v1"]  # fmt: skip
    assert run_cli.main(words) == 4
    assert "nobody answers" in capsys.readouterr().err
    assert records.read(tmp_path / "out" / "records.jsonl") == {}


@pytest.mark.browser
def test_the_page_draws_in_a_browser(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    found = people(tmp_path)
    (tmp_path / "r.html").write_text(page.page(scored(found, guesses(found)), {}))
    shot = tmp_path / "r.png"
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,1600",
         f"--screenshot={shot}", f"file://{tmp_path}/r.html"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    from PIL import Image

    with Image.open(shot) as drawn:
        assert len(drawn.convert("RGB").getcolors(1 << 24) or ()) > 40
