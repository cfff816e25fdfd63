"""The child that opens media, one clip a process: `python -m agent.server.media_worker`.

Limited in memory, processor time, file size and, where the system allows, cut off from the
network. It is given no key and no address; what it says is checked by whoever reads it.
Messages: {"op": "open" | "look" | "pictures" | "closer", …}, one answer each; "look" also
tells of its progress.
"""

from __future__ import annotations

import base64
import sys
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from agent.schema.errors import code_of
from agent.server import faults
from agent.server.protocol import Channel, Json
from agent.util import limits


def main() -> int:
    limits.with_parent()
    channel = Channel()
    memory, file = int(sys.argv[1]), int(sys.argv[2])
    limits.confine(memory, file)
    alone = limits.without_network()
    _warm()
    channel.tell({"ready": True, "network": not alone})
    work: _Clip | None = None
    for message in channel.heard():
        try:
            if message["op"] == "open":
                limits.spend(float(message["cpu_seconds"]))
                work = _Clip(message, channel)
            assert work is not None
            channel.tell(getattr(work, message["op"])(message))
        except Exception as error:  # the boundary of a process: the parent gets kind and words
            said = {"error": code_of(error), "message": str(error)[:500]}
            channel.tell(said | {"errno": faults.number(error)})
    return 0


def _warm() -> None:
    """Load what every clip needs, before there is one."""
    import cv2

    import agent.perception.pipeline
    import agent.perception.series
    import agent.render.showing  # noqa: F401

    cv2.setNumThreads(1)


class _Clip:
    """One clip on disk."""

    def __init__(self, message: Json, channel: Channel) -> None:
        from agent.perception.look import Request
        from agent.senses.speech.sidecar import find_sidecar

        clip = Path(message["clip"])
        # What lies beside an upload was sent along with it: a file that cannot be read is an error.
        self._request = Request(clip, subtitles=find_sidecar(clip), cache=Path(message["cache"]))
        self._wire = channel
        self._told = -1.0

    def open(self, _: Json) -> Json:
        """What the clip is."""
        from agent import media

        return {"media": media.probe(self._request.clip).model_dump(mode="json")}

    def look(self, _: Json) -> Json:
        return {"evidence": self._look.evidence.model_dump(mode="json"), "fresh": self._look.fresh}

    def closer(self, message: Json) -> Json:
        """Evidence of one window in all its frames."""
        from agent.perception import look as perceive

        if self._look.evidence.media.kind != "video":
            return {"evidence": None}
        span = (float(message["start"]), float(message["end"]))
        found = perceive.look(replace(self._request, span=span))
        return {"evidence": found.evidence.model_dump(mode="json")}

    def pictures(self, message: Json) -> Json:
        """What a model is shown, as PNG in base64."""
        from agent.server.blur import blurred

        span = (float(message["span"][0]), float(message["span"][1]))
        shown = self._showing(message["person"], span)
        if message.get("blur"):
            shown = blurred(shown)
        return {
            "pictures": [
                {"name": one.name, "png": base64.b64encode(one.png).decode("ascii")}
                for one in shown
            ]
        }

    def series(self, message: Json) -> Json:
        """Curves and boxes of a span, thinned."""
        from agent.server.curves import drawn

        span = (float(message["start"]), float(message["end"]))
        return drawn(self._look, span, int(message["points"]))

    @cached_property
    def _look(self) -> Any:
        from agent.perception import look as perceive

        return perceive.look(self._request, self._progress)

    @cached_property
    def _showing(self) -> Any:
        from agent.render.showing import Showing

        return Showing(self._request.clip, self._look)

    def _progress(self, share: float, step: str) -> None:
        if share - self._told >= 0.05 or share >= 1.0:
            self._told = share
            self._wire.tell({"progress": round(share, 3), "step": step})


if __name__ == "__main__":
    sys.exit(main())
