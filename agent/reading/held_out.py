"""Which labelled pictures are kept for judging alone, for ever.

A fixed fifth, told by a hash of the file's name: neither weights nor any choice of the read-outs
may see them.
"""

from __future__ import annotations

import hashlib
from typing import Final

PARTS: Final = 5


def is_held_out(name: str) -> bool:
    """Is the picture of this name only ever judged on?"""
    digest = hashlib.sha256(f"held-out {name}".encode()).digest()
    return digest[0] % PARTS == 0
