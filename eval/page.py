"""A report as one HTML file: plots as SVG, pictures inside, no script, no other host.

Knows the report's dictionary and how to lay it out; `eval.draw` draws.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from eval import draw
from eval.report_text import counted, number

STYLE: Final = Path(__file__).with_name("page.css")
NAMES: Final = {
    "war": "Accuracy (WAR)",
    "uar": "Mean recall (UAR)",
    "waf": "Weighted F1",
    "macro-f1": "Macro F1",
    "ece": "Calibration error (ECE)",
    "brier": "Brier score",
    "au-f1": "F1 over action units",
    "ccc": "Concordance (CCC)",
    "rmse": "Root mean square error",
    "mer-wheel": "F1 over five wheels",
    "mer-hit": "Hits over five wheels",
    "sentiment-waf": "Sentiment F1",
    "motor": "Macro F1 of three dimensions",
}
SHARES: Final = frozenset(("war", "uar", "waf", "macro-f1", "au-f1", "sentiment-waf"))
"""Shown as percent on the page."""
LESS: Final = frozenset(("ece", "brier", "rmse"))
"""Smaller is better."""


def page(made: Mapping[str, Any], strips: Mapping[str, Path]) -> str:
    """The whole page. `strips` are pictures of the evidence by sample id. Raises OSError."""
    title = f"{made['benchmark']['title']}: {made['model']['name']}"
    body = "".join((
        *_head(made), *_tiles(made), *_fates(made), *_labels(made), *_units(made), *_points(made),
        *_groups(made), *_errors(made, strips), *_failures(made), *_how(made),
    ))  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _head(made: Mapping[str, Any]) -> Iterator[str]:
    bench, counts = made["benchmark"], made["counts"]
    yield f'<header><div class="over">{escape(made["model"]["name"])}</div>'
    yield f"<h1>{escape(bench['title'])}</h1>"
    yield f'<p class="sub">{escape(counted(counts))}. {escape(_asked(made))}</p></header>'
    if bench["of"] and counts["samples"] < bench["of"]:
        yield (
            f'<p class="note">{counts["samples"]} of the {bench["of"]:,} samples of the whole data '
            "set: the intervals say how little that tells. Do not compare these figures with "
            "published ones.</p>"
        )


def _asked(made: Mapping[str, Any]) -> str:
    enrolled = made["settings"]["enrolled"]
    return f"{enrolled}." if enrolled else "Nobody was enrolled: each clip is read by itself."


def _tiles(made: Mapping[str, Any]) -> Iterator[str]:
    yield '<div class="tiles">'
    for i, measure in enumerate(made["measures"]):
        name = measure["name"]
        between = "no interval"
        if measure["interval"]:
            low, high = (_value(name, v) for v in measure["interval"])
            between = f"{low} to {high}"
        hint = '<div class="between">less is better</div>' if name in LESS else ""
        main = " main" if i == 0 else ""
        yield f'<div class="tile{main}"><div class="name">{escape(NAMES.get(name, name))}</div>'
        yield f'<div class="value">{_value(name, measure["score"])}</div>'
        yield f'<div class="between">{between}</div>{hint}</div>'
    if two := made["first_two"]:
        low, high = (_value("war", v) for v in two["interval"])
        yield '<div class="tile"><div class="name">Among the first two</div>'
        yield f'<div class="value">{_value("war", two["share"])}</div>'
        yield f'<div class="between">{low} to {high}</div></div>'
    yield "</div>"


def _value(name: str, value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    return f"{100 * value:.1f} %" if name in SHARES else f"{value:.3f}"


def _fates(made: Mapping[str, Any]) -> Iterator[str]:
    counts, found = made["counts"], made["labels"]
    parts: list[tuple[str, float, str]] = []
    if found:
        hits = sum(row[i] for i, row in enumerate(found["counts"]))
        none = sum(row[-1] for row in found["counts"])
        wrong = counts["samples"] - hits - none
        unread = none - counts["silent"] - counts["failed"] - counts["missing"]
        parts = [
            ("right", hits, "right"),
            ("wrong", wrong, "wrong"),
            ("names no label", max(unread, 0), "outside"),
        ]
    else:
        parts = [("answered", counts["answered"], "right")]
    parts += [("cannot tell", counts["silent"], "silent"), ("failed", counts["failed"], "failed")]
    parts += [("without prediction", counts["missing"], "missing")]
    yield f'<div class="wide">{draw.stacked(parts)}</div>'


def _labels(made: Mapping[str, Any]) -> Iterator[str]:
    found = made["labels"]
    if not found:
        return
    yield "<h2>Which label for which</h2>"
    yield '<p class="sub">Each row adds up to all clips with that gold label.</p>'
    yield '<div class="two"><div class="card">'
    yield draw.confusion(found["rows"], found["columns"], found["counts"])
    yield '</div><div class="card"><h3>Share of each label that is found</h3>'
    rows = [
        (row["label"], _finite(row["recall"]), row["interval"], f"{percent(row)} of {row['n']}")
        for row in found["classes"]
    ]
    marks = {"chance": made["baselines"]["chance"]} if made["baselines"] else None
    yield draw.intervals(rows, marks)
    yield "</div></div>"
    if bins := made["reliability"]:
        yield "<h2>Does it know how sure it may be?</h2>"
        yield (
            '<p class="sub">Answers in bins of their stated share. On the dashed line it is as '
            "often right as it says; under it, too sure. Larger dots hold more answers.</p>"
        )
        yield f'<div class="two"><div class="card narrow">{draw.reliability(bins)}</div>'
        yield '<div class="card"><h3>Answers by stated share</h3>'
        sizes = [
            (f"{100 * b['from']:.0f} to {100 * b['to']:.0f} %", b["n"],
             f"{b['n']:.0f}, {100 * b['accuracy']:.0f} % right")
            for b in bins
        ]  # fmt: skip
        yield f"{draw.bars(sizes)}</div></div>"


def percent(row: Mapping[str, Any]) -> str:
    """A class's recall in percent."""
    return draw.percent(row["recall"])


def _finite(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _units(made: Mapping[str, Any]) -> Iterator[str]:
    if not made["units"]:
        return
    from agent.facs import units as facs

    yield "<h2>Action units</h2>"
    yield (
        '<p class="sub">F1 of each unit; hits and misses are summed over all samples first. '
        "Units that neither the gold nor an answer names are left out.</p>"
    )
    rows = [
        (f"AU{row['unit']} {facs.AUS[row['unit']].name}", _finite(row["f1"]),
         f"{_value('au-f1', row['f1'])}: there {row['support']}, said {row['said']}")
        for row in made["units"]
    ]  # fmt: skip
    yield f'<div class="card wide">{draw.bars(rows, 1000, left=200)}</div>'


def _points(made: Mapping[str, Any]) -> Iterator[str]:
    if not made["points"]:
        return
    yield '<h2>Gold and answer</h2><div class="two">'
    for name in made["points"][0]["gold"]:
        pairs = [(row["gold"][name], row["found"][name]) for row in made["points"]]
        yield f'<div class="card narrow">{draw.scatter(pairs, name)}</div>'
    yield "</div>"


def _groups(made: Mapping[str, Any]) -> Iterator[str]:
    if not made["groups"]:
        return
    main = made["measures"][0]["name"]
    yield "<h2>Is it the same for everybody?</h2>"
    yield (
        f'<p class="sub">{escape(NAMES.get(main, main))} by group, with 95 % intervals. A gap '
        'between groups that are alike is rarely 0; its interval counts.</p><div class="two">'
    )
    for name, found in made["groups"].items():
        yield f'<div class="card"><h3>By {escape(name)}</h3>'
        rows = [
            (group, _finite(row["score"]), row["interval"],
             f"{_value(main, row['score'])}, n {row['n']}")
            for group, row in found["groups"].items()
        ]  # fmt: skip
        yield draw.intervals(rows)
        yield f'<p class="sub">{_gap(main, found)}</p></div>'
    yield "</div>"


def _gap(main: str, found: Mapping[str, Any]) -> str:
    if found["few"] or not found["interval"]:
        return "Too few samples in one of the groups to speak of a gap."
    low, high = found["interval"]
    between = f"{_value(main, low)} to {_value(main, high)}"
    return f"Gap {_value(main, found['gap'])}, 95 % interval {between}."


def _errors(made: Mapping[str, Any], strips: Mapping[str, Path]) -> Iterator[str]:
    if not made["worst"]:
        return
    yield "<h2>Where it is surest and wrong</h2>"
    yield '<p class="sub">The answer as given, and the evidence it had.</p><div class="errors">'
    for row in made["worst"]:
        sure = f"{100 * row['wrongness']:.0f} % sure" if made["labels"] else ""
        yield '<div class="card error"><div class="head">'
        yield f'<span class="chip gold">gold <b>{escape(row["gold"])}</b></span>'
        yield f'<span class="chip said">answered <b>{escape(row["said"])}</b> {sure}</span>'
        yield f"<code>{escape(row['id'])}</code></div>"
        if row["answer"]:
            yield f"<p>{escape(row['answer'])}</p>"
        if row["id"] in strips:
            yield f'<img alt="evidence over time" src="{_inside(strips[row["id"]])}">'
        yield "</div>"
    yield "</div>"


def _inside(picture: Path, width: int = 1400) -> str:
    """A picture as a data address, with few colours, no wider than `width` pixels."""
    from PIL import Image

    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)))
    kept = io.BytesIO()
    image.quantize(128).save(kept, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(kept.getvalue()).decode()


def _failures(made: Mapping[str, Any]) -> Iterator[str]:
    if made["failures"]:
        yield "<h2>Failed</h2>"
        rows = [(row["id"], row["error"]) for row in made["failures"]]
        yield f'<div class="card">{_table(("sample", "why"), rows)}</div>'


def _how(made: Mapping[str, Any]) -> Iterator[str]:
    settings, cost, model = made["settings"], made["cost"], made["model"]
    yield '<h2>How it was run</h2><div class="two"><div class="card"><h3>Settings</h3>'
    yield _table(None, [
        ("question", settings["question"]),
        ("model", model["name"] + (f" at {model['base_url']}" if model["base_url"] else "")),
        ("action units", model["aus"] or "the best estimator installed"),
        ("transcript", "shown" if model["transcript"] else "not shown"),
        ("intervals", settings["intervals"]),
        ("seed", settings["seed"]),
        *made["baselines"].items(),
        *made["versions"].items(),
    ])  # fmt: skip
    yield '</div><div class="card"><h3>Cost</h3>'
    yield _table(None, [(k, number(v) if isinstance(v, float) else v) for k, v in cost.items()])
    yield '</div></div><h2>Looked for leaks</h2><div class="card">'
    rows = [(check["looked for"], check["found"]) for check in made["checks"]]
    yield _table(("looked for", "found"), rows)
    yield "</div>"
    bench = made["benchmark"]
    if bench["gaps"]:
        yield '<h2>What the data set cannot show</h2><div class="card">'
        yield _table(None, [(gap,) for gap in bench["gaps"]])
        yield "</div>"
    if bench["citation"]:
        yield f"<footer>{escape(bench['citation'])} Licence: {escape(bench['licence'])}.</footer>"


def _table(head: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> str:
    top = ""
    if head:
        top = "<tr>" + "".join(f"<th>{escape(word)}</th>" for word in head) + "</tr>"
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return f"<table>{top}{body}</table>"


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
