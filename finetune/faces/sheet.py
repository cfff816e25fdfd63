"""Contact sheets: many rendered people and expressions in one picture, to be looked at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from finetune.faces import clips, muscles, people, scene
from finetune.faces.ict import Head
from finetune.faces.render import Renderer, look


def contact(
    head: Head, seed: int, rows: int = 6, columns: int = 6, size: int = 256
) -> npt.NDArray[np.uint8]:
    """One person a row in random expressions, the first neutral."""
    renderer = Renderer(head, size)
    rng = np.random.default_rng([seed, 7])
    lines = []
    for row in range(rows):
        who = people.person(seed + row)
        seen = look(head, who)
        shot = scene.shot(rng, size, who.plain)
        states = [{}, *(muscles.still(rng) for _ in range(columns - 1))]
        line = [
            clips.snap(renderer, seen, shot, state, 1.7 * index, rng).image
            for index, state in enumerate(states)
        ]
        lines.append(np.hstack(line))
    return np.vstack(lines)
