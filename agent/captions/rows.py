"""The record that captioning writes: one row a person and clip, and its Parquet schema.

Knows names, types and units of columns; computes none of them.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

Row = dict[str, Any]

_TEXT: Final = pa.string()
_REAL: Final = pa.float32()
_TIME: Final = pa.float64()


def _list(**fields: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct(list(fields.items())))


EMOTIONS: Final = _list(label=_TEXT, share=_REAL)
SENTENCES: Final = _list(text=_TEXT, cites=pa.list_(_TEXT))

SCHEMA: Final = pa.schema(
    [
        ("id", _TEXT),  # of the sample; with `person` unique in the data set
        ("person", _TEXT),  # P1, P2, …; "" for a clip in which nobody was found
        ("path", _TEXT),  # of the clip, from the source's root; null where the source held bytes
        ("sha256", _TEXT),  # of the clip's bytes (and of its subtitles)
        ("key", _TEXT),  # content + prompts + model + senses: the same row is never made twice
        ("kind", _TEXT),  # video, image, audio
        ("duration", _TIME),  # s
        ("main", pa.bool_()),
        ("start", _TIME),  # s, first and last sight of this person
        ("end", _TIME),
        ("style", _TEXT),
        ("caption", _TEXT),
        ("sentences", SENTENCES),  # the caption's sentences and the cues they stand on
        (
            "spans",  # where the expression changes
            _list(
                start=_TIME, end=_TIME, emotion=_TEXT, share=_REAL, caption=_TEXT,
                cites=pa.list_(_TEXT),
            ),
        ),
        ("emotion", _TEXT),  # the likeliest label; null for "cannot tell"
        ("emotions", EMOTIONS),
        ("words", pa.list_(_TEXT)),  # open vocabulary, where a model gives any
        ("valence", _REAL),  # -1 … 1
        ("arousal", _REAL),  # -1 … 1
        ("behavior", _TEXT),
        ("cognition", _TEXT),
        ("confidence", _REAL),
        ("grounded", _REAL),  # share of the claims that grounding let stand
        (
            "claims",
            _list(
                text=_TEXT, cites=pa.list_(_TEXT), part=_TEXT, grounded=pa.bool_(), why=_TEXT
            ),
        ),
        (
            "cues",
            _list(
                id=_TEXT, sense=_TEXT, person=_TEXT, code=_TEXT, side=_TEXT, start=_TIME,
                apex=_TIME, end=_TIME, intensity=_REAL, grade=_TEXT, value=_REAL, unit=_TEXT,
                relative=_REAL, text=_TEXT, confidence=_REAL,
            ),
        ),
        (
            "peak",  # the moment at which this person's action units are strongest
            pa.struct(
                [
                    ("time", _TIME),
                    ("frame", pa.int64()),
                    ("box", pa.list_(_REAL)),  # x, y, width, height of the face in pixels
                    ("aus", _list(code=_TEXT, intensity=_REAL, left=_REAL, right=_REAL)),
                ]
            ),
        ),
        ("missing", _list(what=_TEXT, why=_TEXT)),
        ("language", _TEXT),
        ("labels", _TEXT),  # what the owners say, as JSON; no model read it unless the next is true
        ("gold_conditioned", pa.bool_()),
        ("model", _TEXT),
        ("model_revision", _TEXT),
        ("prompt_hash", _TEXT),
        ("review", _TEXT),  # accepted, rejected; null before a person looked
        ("review_caption", _TEXT),  # as a person mended it
        ("review_note", _TEXT),
    ]
)  # fmt: skip


def table(rows: list[Row]) -> pa.Table:
    """Rows as a table of `SCHEMA`; columns a row lacks are null."""
    return pa.Table.from_pylist(rows, schema=SCHEMA)
