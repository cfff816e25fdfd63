"""Sealed captions in the formats that other tools read, from the Parquet rows alone.

    jsonl       one row a line
    sharegpt    R1-Omni and LLaMA-Factory: {video, conversations[{from, value}]}
    merr        Emotion-LLaMA's MERR: by sample, {AU_list, visual_prior_list, …, caption}
    fea20k      Facial-R1's FEA-20K: one line a face at its peak, with the picture of it
    expllm      ExpLLM: {file_name, emo, au[24], description}, with the picture of the peak
    webdataset  tar shards of clip + caption + row

Knows formats; makes no caption. What other programs would take for a sign of their own
(`<video>`, `<|im_end|>`, …) is broken up in every text. Every file is put there whole. What a
format needs and a row lacks (a face, the clip's file) leaves that row out, and is counted.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import prompts
from agent.captions import confined
from agent.captions.outcome import RunError
from agent.captions.rows import Row
from agent.captions.store import read_rows, write_bytes
from agent.facs.units import AUS, parse
from agent.schema.evidence import IMPRESSION
from agent.util.foreign import harmless_all

SHARD_BYTES: Final = 500_000_000
"""Clips in one tar shard."""
NAMES: Final = frozenset((
    "id", "person", "path", "sha256", "key", "kind", "style", "model", "model_revision",
    "prompt_hash", "language",
))  # fmt: skip
"""Fields of a row that name something and stay as they are."""
LONGEST_KEY: Final = 180
"""Bytes of a file's name without its suffix, at most."""
PRESENT: Final = 1.0
"""Intensity from which a unit counts as shown at the peak: FACS B rounded down."""


@dataclass(slots=True)
class Export:
    """One folder of captions on its way into one format."""

    out: Path
    root: Path | None
    """Folder that the rows' paths start from; None where the source held bytes."""
    name: str
    """Name of the data set."""
    folder: Path
    """Where the export goes."""
    written: int = 0
    left: dict[str, int] = field(default_factory=dict)
    """Why rows were left out, and how often."""

    def rows(self) -> Iterator[Row]:
        """Rows that people did not reject; a mended caption takes the place of the first one."""
        for row in self.stored():
            if row["review"] == "rejected":
                self.leave("rejected in review")
            elif row["emotion"] is None:
                self.leave("nothing could be told of it")
            else:
                yield row | {"caption": row["review_caption"] or row["caption"]}

    def stored(self) -> Iterator[Row]:
        """All rows, their texts harmless to whoever reads them."""
        for row in read_rows(self.out):
            yield {k: v if k in NAMES else harmless_all(v) for k, v in row.items()}

    def leave(self, why: str) -> None:
        self.left[why] = self.left.get(why, 0) + 1

    def clip(self, row: Row) -> Path | None:
        """The row's clip, None where it is not to be had."""
        return confined.clip(self.root, row["path"])

    def put(self, name: str, data: bytes) -> Path:
        """A file of the export, whole."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(data, target, self.out / ".work")
        return target


def export(out: Path, target: str) -> Export:
    """Write `out`'s captions in the format `target` to `out`/exports/`target`. Raises RunError."""
    if target not in TARGETS:
        raise RunError(f"no format {target!r}; there are {', '.join(TARGETS)}")
    if not (out / "manifest.json").exists():
        raise RunError(f"{out} is no folder of captions")
    told = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    source = told["source"]
    root = Path(source["root"]) if source["root"] else None
    name = source["name"].rstrip("/").rpartition("/")[2]
    work = Export(out, root, name, out / "exports" / target)
    TARGETS[target](work)
    return work


def jsonl(work: Export) -> None:
    work.put("captions.jsonl", _lines(work, work.stored()))


def sharegpt(work: Export) -> None:
    made = []
    for row in work.rows():
        medium = row["kind"]
        who = f" The question is about {row['person']}." if not row["main"] else ""
        asked = f"<{medium}>\n{prompts.fill('caption_question')}{who}"
        made.append(
            {
                "id": _one(row),
                medium: row["path"],
                "conversations": [
                    {"from": "human", "value": asked},
                    {"from": "gpt", "value": row["caption"]},
                ],
            }
        )
    work.written = len(made)
    work.put("captions.json", _pretty(made))


def merr(work: Export) -> None:
    made: dict[str, Any] = {}
    for row in work.rows():
        peak = row["peak"] or {"frame": None, "aus": []}
        shown = _shown(peak)
        seen = {c["code"] for c in row["cues"] if c["sense"] == "face"}
        told = sorted(seen - {"AU43", "AU45", IMPRESSION})
        said = [cue["text"] for cue in row["cues"] if cue["sense"] == "words"]
        heard = [cue["text"] for cue in row["cues"] if cue["sense"] == "voice"]
        made[_one(row)] = {
            "AU_list": told,
            "visual_prior_list": [_name(code) for code in told],
            "audio_prior_list": heard,
            "text": " ".join(said),
            "peak_index": None if peak["frame"] is None else str(peak["frame"]),
            "peak_AU_list": [unit["code"] for unit in shown],
            "pseu_emotion": row["emotion"],
            "caption": row["caption"],
        }
    work.written = len(made)
    work.put("captions.json", _pretty(made))


def fea20k(work: Export) -> None:
    def told() -> Iterator[Row]:
        for row, image in _faces(work):
            yield {
                "id": _one(row),
                "dataset": work.name,
                "image": image,
                "question": prompts.fill("caption_question"),
                "AUs": [f"AU{parse(unit['code'])}" for unit in _shown(row["peak"])],
                "labels": [row["emotion"]],
                "description": row["caption"],
                "meta_info": {
                    "person": row["person"],
                    "time": row["peak"]["time"],
                    "gold_conditioned": row["gold_conditioned"],
                    "model": row["model"],
                },
            }

    work.put("captions.jsonl", _lines(work, told()))


def expllm(work: Export) -> None:
    made = [
        {
            "file_name": image,
            "emo": row["emotion"],
            "au": feafa(row["peak"]["aus"]),
            "description": _headed(row),
        }
        for row, image in _faces(work)
    ]
    work.written = len(made)
    work.put("captions.json", _pretty(made))


_FEAFA: Final[tuple[tuple[str | None, str], ...]] = (
    ("AU43", "left"), ("AU43", "right"), ("AU05", "left"), ("AU05", "right"),
    ("AU04", "left"), ("AU04", "right"), ("AU02", "left"), ("AU02", "right"),
    ("AU26", "intensity"), (None, ""), (None, ""), ("AU12", "left"), ("AU12", "right"),
    ("AU20", "left"), ("AU20", "right"), ("AU28", "intensity"), ("AU28", "intensity"),
    (None, ""), ("AU10", "intensity"), ("AU16", "intensity"), ("AU17", "intensity"),
    ("AU18", "intensity"), ("AU34", "intensity"), ("AU09", "intensity"),
)  # fmt: skip
"""FEAFA's 24 values: both eyes closed, both lids raised, both brows lowered, both brows raised,
jaw dropped, jaw left and right (not measured: 0), both lip corners up, both lip corners out,
upper and lower lip sucked, jaw thrust (not measured: 0), upper lip up, lower lip down, chin
raised, pucker, cheek puff, nose wrinkle."""


def feafa(aus: Iterable[Row]) -> list[float]:
    """Action units 0-5 as FEAFA's 24 values 0-1."""
    by_code = {unit["code"]: unit for unit in aus}

    def value(code: str | None, side: str) -> float:
        unit = by_code.get(code or "")
        if unit is None:
            return 0.0
        found = unit[side] if unit[side] is not None else unit["intensity"]
        return round(min(1.0, (found or 0.0) / 5.0), 3)

    return [value(code, side) for code, side in _FEAFA]


def webdataset(work: Export) -> None:
    shard, held, size = 0, io.BytesIO(), 0
    tar = tarfile.open(fileobj=held, mode="w")  # noqa: SIM115  # one of several, closed below
    for row in work.rows():
        if (clip := work.clip(row)) is None:
            work.leave("the clip's file is not there")
            continue
        key = file_key(_one(row))
        told = json.dumps(row, ensure_ascii=False, default=str).encode()
        for suffix, data in (
            (clip.suffix.lower(), clip.read_bytes()),
            (".txt", row["caption"].encode()),
            (".json", told),
        ):
            entry = tarfile.TarInfo(key + suffix)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            size += len(data)
        work.written += 1
        if size >= SHARD_BYTES:
            tar.close()
            work.put(f"captions-{shard:05d}.tar", held.getvalue())
            shard, held, size = shard + 1, io.BytesIO(), 0
            tar = tarfile.open(fileobj=held, mode="w")  # noqa: SIM115
    tar.close()
    if size or not shard:
        work.put(f"captions-{shard:05d}.tar", held.getvalue())


TARGETS: Final[dict[str, Callable[[Export], None]]] = {
    "jsonl": jsonl,
    "sharegpt": sharegpt,
    "merr": merr,
    "fea20k": fea20k,
    "expllm": expllm,
    "webdataset": webdataset,
}


def _one(row: Row) -> str:
    """Name of one row: the sample's, and the person's where there is more than the main one.

    A `#` of the sample's own is written `%23`, so that no two rows have one name.
    """
    name = str(row["id"]).replace("%", "%25").replace("#", "%23")
    return name if row["main"] else f"{name}#{row['person']}"


def file_key(name: str) -> str:
    """A name as that of a file without a suffix: another one for every name.

    What may not stand in a file's name, and the full stop, which WebDataset cuts keys at, is
    written as in addresses (`%2F`, `%2E`), so that `urllib.parse.unquote` gives the name back. Of
    one that is too long the end is a digest.
    """
    key = re.sub(
        r"[%/\\.:*?\"<>|\s\x00-\x1f\x7f]",
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()),
        name,
    )
    held = key.encode()
    if len(held) <= LONGEST_KEY:
        return key
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{held[: LONGEST_KEY - 34].decode(errors='ignore')}%~{digest}"


def _shown(peak: Row) -> list[Row]:
    """Units that are plainly there at the peak, strongest first."""
    units = [u for u in peak["aus"] if (u["intensity"] or 0.0) >= PRESENT]
    return sorted(units, key=lambda unit: -unit["intensity"])


def _faces(work: Export) -> Iterator[tuple[Row, str]]:
    """Rows with a face, and the picture of the peak, cut from the clip."""
    for row in work.rows():
        if not row["peak"]:
            work.leave("no face in it")
        elif (clip := work.clip(row)) is None:
            work.leave("the clip's file is not there")
        else:
            name = f"images/{file_key(_one(row))}.png"
            work.put(name, _peak_png(clip, row["peak"]))
            yield row, name


def _peak_png(clip: Path, peak: Row) -> bytes:
    """The face at its peak, with a quarter of its size around it; all of it without a box."""
    from PIL import Image

    from agent.media import frames_at

    (frame,) = frames_at(clip, [peak["time"]])
    picture = Image.fromarray(frame.image)
    if peak["box"]:
        x, y, width, height = peak["box"]
        edge = 0.25 * max(width, height)
        left, top = max(0.0, x - edge), max(0.0, y - edge)
        right, bottom = min(picture.width, x + width + edge), min(picture.height, y + height + edge)
        if right - left >= 1 and bottom - top >= 1:
            picture = picture.crop((int(left), int(top), int(right), int(bottom)))
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def _headed(row: Row) -> str:
    """A caption under ExpLLM's three headings."""
    seen = [c["text"] for c in row["claims"] if c["part"] == "observation" and c["grounded"]]
    read = [c["text"] for c in row["claims"] if c["part"] == "interpretation" and c["grounded"]]
    parts = (
        ("Key Observations", " ".join(seen) or row["caption"]),
        ("Overall Emotional Interpretation", " ".join(read) or row["caption"]),
        ("Conclusion", f"{row['emotion']}."),
    )
    return "\n\n".join(f"**{head}**\n{text}" for head, text in parts)


def _name(code: str) -> str:
    number = parse(code)
    return AUS[number].name if number is not None else code


def _lines(work: Export, found: Iterable[Row]) -> bytes:
    lines = [json.dumps(row, ensure_ascii=False) for row in found]
    work.written = len(lines)
    return "".join(f"{line}\n" for line in lines).encode()


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
