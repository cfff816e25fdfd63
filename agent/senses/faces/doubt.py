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
STILL_EYES, STILL = 0.005, 0.010
"""Movement (standard deviation over the eyes' distance) of a photograph that is moved
about was at most 0.0046 at the eyes and 0.009 elsewhere; of living faces 0.011 and more."""


def doubt(look: Look, seconds: float) -> str | None:
    """Why this is likely no living person's face, None where nothing speaks against it."""
    light, green, blue = (look.colours[face_cells()] - (0, 128, 128)).mean(axis=(0, 1)).tolist()
    if np.hypot(green, blue) < GREY and look.scene > COLOURED and light > 20:
        return "the face has no colour while the picture has: perhaps a statue or a print"
    if green < GREEN or blue < BLUE:
        return "the face has a colour that skin does not have: perhaps a drawing or a mask"
    if float(np.linalg.norm(look.shape - TYPICAL)) > ODD:
        return "its proportions are not a human face's: perhaps an animal or a caricature"
    still = look.movement
    if seconds >= LONG and still[:2].max() < STILL_EYES and still.max() < STILL:
        return f"nothing in the face moves for {seconds:.0f} s: perhaps a photograph or a statue"
    return None


def face_cells() -> tuple[slice, slice]:
    """The cells of the colour picture that lie on cheeks, nose and brow."""
    return slice(SIDE * 5 // 16, SIDE * 12 // 16), slice(SIDE * 5 // 16, SIDE * 11 // 16)
