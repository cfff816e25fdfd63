"""Names for vertices of MediaPipe's face mesh. "Right" and "left" are the person's own."""

from __future__ import annotations

from typing import Final

import numpy as np

RIGHT_EYE_OUTER: Final = 33
RIGHT_EYE_INNER: Final = 133
LEFT_EYE_INNER: Final = 362
LEFT_EYE_OUTER: Final = 263
RIGHT_EYE_TOP: Final = (160, 159, 158)
RIGHT_EYE_BOTTOM: Final = (144, 145, 153)
LEFT_EYE_TOP: Final = (385, 386, 387)
LEFT_EYE_BOTTOM: Final = (380, 374, 373)
NOSE_TIP: Final = 1
NOSE_BRIDGE: Final = 6
FOREHEAD: Final = 10
CHIN: Final = 152
RIGHT_CHEEK_EDGE: Final = 234
LEFT_CHEEK_EDGE: Final = 454
MOUTH_RIGHT: Final = 61
MOUTH_LEFT: Final = 291
LIP_TOP_INNER: Final = 13
LIP_BOTTOM_INNER: Final = 14
RIGHT_IRIS: Final = (468, 469, 470, 471, 472)
"""Centre, then four points of the rim. Only in meshes of 478 points."""
LEFT_IRIS: Final = (473, 474, 475, 476, 477)

# fmt: off
BLENDSHAPE_POINTS: Final = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65,
    66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136,
    144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172,
    173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276,
    282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321,
    323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382,
    384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470,
    471, 472, 473, 474, 475, 476, 477,
])
"""The 146 vertices that MediaPipe's blendshape network reads, in its order."""

BLENDSHAPES: Final = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft",
    "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen",
    "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)
"""Names of the 52 scores, in order; Left and Right are the person's own."""
# fmt: on
