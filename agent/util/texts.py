"""Text out of bytes whose encoding nobody states: told by the content.

Unicode is told from its marks and its form; what is left is a legacy encoding, which `chardet`
tells by the letters that languages use. Knows bytes and letters, no formats.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

from agent.schema.errors import USAGE, DuchenneError

LEGACY: Final = (
    "gb18030", "big5", "cp932", "euc-jp", "cp949", "cp1251", "koi8-r", "cp1252", "cp1250",
    "cp1254", "cp1253", "cp1255", "cp1256", "cp874",
)  # fmt: skip
"""Encodings looked for; each covers the older ones of the same script."""
LATIN: Final = ("cp1252", "cp1250", "cp1254")
DAMAGED: Final = 0.1
"""Share of the letters beyond ASCII that may be broken in text that is still called UTF-8."""
ZEROS: Final = 0.015
"""Share of zero bytes from which a file is UTF-16 or no text; a few are mere dirt."""
LOOKED_AT: Final = 200_000
"""Bytes that are looked at to tell the encoding."""

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_WESTERN: Final = tuple(
    frozenset(letters + letters.upper() + "ßªº°·«»–—‘’‚“”„…•€£§©®´×\xa0")
    for letters in (
        "äöü", "àâæçéèêëîïôœùûüÿ", "áéíóúñü¿¡", "áâãàçéêíóôõúü", "àèéìíîòóù", "åäöé", "æøåéóö",
        "éèëïöüáóê", "áðéíóúýþæö", "àáçéèíïóòúü",
    )
)  # fmt: skip
"""Letters beyond ASCII of German, French, Spanish, Portuguese, Italian, Swedish and Finnish, Danish
and Norwegian, Dutch, Icelandic, Catalan."""


class Text(NamedTuple):
    """Text, and how it was read."""

    text: str
    encoding: str
    note: str | None = None
    """What was assumed or is broken; None for sound Unicode."""


class EncodingError(DuchenneError, ValueError):
    """Bytes of no encoding that can be told; the message says what to do."""

    code = "bad_encoding"
    exit_status = USAGE


def decode(data: bytes) -> Text:
    """The text of a whole file. Raises EncodingError."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _replaced(data, name)
    if data[:LOOKED_AT].count(0) > ZEROS * len(data[:LOOKED_AT]):
        return _two_bytes(data)
    if b"\x1b$" in data[:LOOKED_AT] and data.isascii():
        return _legacy(data, "iso2022_jp")
    try:
        return Text(data.decode("utf-8-sig"), "utf-8")
    except UnicodeDecodeError:
        mended = data.decode("utf-8-sig", errors="replace")
    broken, beyond = mended.count("�"), sum(not c.isascii() for c in mended)
    if broken <= DAMAGED * beyond:
        return Text(mended, "utf-8", f"{broken} damaged letters in it, shown as �")
    return _legacy(data, _told_by_letters(data))


def _replaced(data: bytes, name: str) -> Text:
    text = data.decode(name, errors="replace")
    broken = text.count("�")
    return Text(text, name, f"{broken} damaged letters in it, shown as �" if broken else None)


def _two_bytes(data: bytes) -> Text:
    """UTF-16 without its mark: the zero bytes of ASCII stand on one side only."""
    even, odd = data[0:LOOKED_AT:2].count(0), data[1:LOOKED_AT:2].count(0)
    if max(even, odd) < 4 * min(even, odd) + 1:
        raise EncodingError("it holds zero bytes and is no text. Give a text file, best in UTF-8")
    name = "utf-16-le" if odd > even else "utf-16-be"
    text, _, note = _replaced(data[: len(data) // 2 * 2], name)
    said = f"it does not say its encoding; read as {name}"
    return Text(text, name, f"{said}; {note}" if note else said)


def _legacy(data: bytes, name: str | None) -> Text:
    if name is not None:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            text = data.decode(name, errors="replace")
        broken = text.count("�")
        if broken <= DAMAGED * sum(not c.isascii() for c in text):
            said = f"it is not UTF-8; read as {name} by its letters"
            return Text(text, name, said + (f"; {broken} of them are damaged" if broken else ""))
    raise EncodingError("its encoding cannot be told. Save it as UTF-8")


def _told_by_letters(data: bytes) -> str | None:
    """The legacy encoding, None where nothing is likely."""
    import chardet

    rows = b"\n".join(row for row in data.splitlines() if not row.isascii())[:LOOKED_AT]
    among: tuple[str, ...] = LEGACY
    if _letters_stand_alone(rows):
        among = LATIN
        held = {c for c in rows.decode("cp1252", errors="replace") if not c.isascii()}
        if any(held <= letters for letters in _WESTERN):
            return "cp1252"
    likely = chardet.detect_all(rows, include_encodings=among)
    # What fits no western alphabet is rather of another one where both are as likely.
    best = max(likely, key=lambda each: (each["confidence"], each["encoding"] != "Windows-1252"))
    return best["encoding"]


def _letters_stand_alone(data: bytes) -> bool:
    """Whether letters beyond ASCII stand singly among ASCII ones, as in Latin script."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", data)]
    return runs.count(1) > 0.7 * sum(runs)
