"""Is this face a living person's? Says why not, where it seems not.

Knows the sums of one track. What it notices: a face without colour in a coloured picture
(statue, print), a face of a colour that skin does not have, proportions that human faces
do not have (animals, caricatures), and a face that for a long time moves as a whole while
nothing in it moves (a poster, a photograph held up, a statue, a frozen picture).

What it cannot notice: a realistic or painted face in a still or short clip, a well made
rendering, a mask, a person on a screen. A still picture of a person is taken for living.
People under strongly coloured light may be doubted. Nothing is dropped for a doubt.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from agent.senses.faces.look import SIDE, Look
from agent.senses.faces.shape import TYPICAL

GREY = 3.0
"""Chroma (Lab, 8-bit levels) below which a face has no colour; real ones had 9 and more."""
COLOURED = 0.035
"""Mean saturation of a picture that is not black and white."""
GREEN, BLUE = -6.0, -14.0
"""a* and b* (levels) below which a colour is no skin's."""
ODD = 0.16
"""Distance of the steady vertices from the typical face; at most 0.09 in the faces tried."""
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
    if float(np.linalg.norm(look.shape - TYPICAL)) > ODD:
        return "its proportions are not a human face's: perhaps an animal or a caricature"
    if seconds >= LONG and (look.movement < STILL).all():
        return f"nothing in the face moves for {seconds:.0f} s: perhaps a photograph or a statue"
    return None


def face_cells() -> tuple[slice, slice]:
    """The cells of the colour picture that lie on cheeks, nose and brow."""
    return slice(SIDE * 5 // 16, SIDE * 12 // 16), slice(SIDE * 5 // 16, SIDE * 11 // 16)
