"""Is this face a living person's? Says why not, where it seems not.

Knows the sums of one track. What it notices: a face without colour in a coloured picture
(statue, print), a face of a colour that skin does not have, proportions that human faces
do not have (animals, caricatures), a face of a single colour (clay, stone), and a face that
for a long time moves as a whole while nothing in it moves (a poster, a photograph held up, a
statue, a frozen picture).

What it cannot notice: a realistic or painted face in a still or short clip, a well made
rendering, a mask, a person on a screen. A still picture of a person is taken for living.
People under strongly coloured light may be doubted. Nothing is dropped for a doubt.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from agent.schema.samples import Floats
from agent.senses.faces.look import SIDE, Look
from agent.senses.faces.shape import TYPICAL

GREY = 3.0
"""Chroma (Lab, 8-bit levels) below which a face has no colour; real ones had 9 and more."""
COLOURED = 0.035
"""Mean saturation of a picture that is not black and white."""
GREEN, BLUE = -6.0, -14.0
"""a* and b* (levels) below which a colour is no skin's."""
ODD, ODDER = 0.16, 0.2
"""Distance of the steady vertices from the typical face: from which it is odd unless the face
moves as living ones do, and from which it is odd in any case. Of 218 faces of people 99 % lie below
0.115 and all below 0.14, but a mesh that is seen from aside or laughs goes further."""
LIVELY: Final = (0.01, 0.0125)
"""Movement (`Look.movement`) of both eyes, and of mouth or its corners, from which a face moves as
a living one: it blinks, and speaks or smiles."""
PAINTED, BESIDE = 1.1, 3.0
"""What of a face's colour (a* and b*, levels) its lightness does not explain, and what of the
colours around it the same colour does not: clay and stone have one colour in light and shade, skin
has lips, cheeks and shadows of others. 1.57 was the least of 218 faces. Where all around has the
same colour as well, the picture is tinted, and says nothing."""
LONG = 8.0
"""Seconds that a face must be seen before its stillness says anything."""
STILL: Final = np.array([0.005, 0.005, 0.0125, 0.0125, 0.007, 0.007], np.float32)
"""Movement (`Look.movement`: eyes, mouth, brows) of a face that only moves as a whole. Of ten
moved photographs in either mesh nine stay below; of living faces the stillest, somebody who
looks on without a word for 9 s, has 0.007 at the eyes and 0.012 at the brows."""


def doubt(look: Look, seconds: float) -> str | None:
    """Why this is likely no living person's face, None where nothing speaks against it."""
    light, green, blue = (look.colours[face_cells()] - (0, 128, 128)).mean(axis=(0, 1)).tolist()
    if np.hypot(green, blue) < GREY and look.scene > COLOURED and light > 20:
        return "the face has no colour while the picture has: perhaps a statue or a print"
    if green < GREEN or blue < BLUE:
        return "the face has a colour that skin does not have: perhaps a drawing or a mask"
    if _painted(look.colours):
        return "the face is of one colour, in light and shade: perhaps a statue of clay or stone"
    if _odd(look):
        return "its proportions are not a human face's: perhaps an animal or a caricature"
    if seconds >= LONG and (look.movement < STILL).all():
        return f"nothing in the face moves for {seconds:.0f} s: perhaps a photograph or a statue"
    return None


def _odd(look: Look) -> bool:
    """Whether the proportions are no human face's."""
    away = float(np.linalg.norm(look.shape - TYPICAL))
    eyes, mouth = look.movement[:2].min(), look.movement[2:4].max()
    lives = bool(eyes >= LIVELY[0] and mouth >= LIVELY[1])
    return away > (ODDER if lives else ODD)


def _painted(colours: Floats) -> bool:
    """Whether the face has one colour whose shades follow its lightness, and what is around it
    has others. Of a face without colour this says nothing."""
    y, x = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) / (SIDE / 2)
    face = colours[(x / 0.5) ** 2 + (y / 0.62) ** 2 < 1]
    around = colours[(x / 0.8) ** 2 + (y / 0.95) ** 2 >= 1]
    shades = np.column_stack([face[:, 0], np.ones(len(face))])
    tint, *_ = np.linalg.lstsq(shades, face[:, 1:], rcond=None)
    left = float(np.hypot(*(face[:, 1:] - shades @ tint).std(axis=0)))
    others = around[:, 1:] - np.column_stack([around[:, 0], np.ones(len(around))]) @ tint
    coloured = float(np.hypot(*(face[:, 1:].mean(axis=0) - 128))) > GREY
    return coloured and left < PAINTED and float(np.abs(others).mean()) > BESIDE


def face_cells() -> tuple[slice, slice]:
    """The cells of the colour picture that lie on cheeks, nose and brow."""
    return slice(SIDE * 5 // 16, SIDE * 12 // 16), slice(SIDE * 5 // 16, SIDE * 11 // 16)
