"""Foreign text made to mean nothing where it is read by other programs.

What people say or write may look like a placeholder of a data set (`<video>`), a control token of a
model (`<|im_end|>`, `[INST]`) or a template (`{{ }}`). A blank in it leaves it readable and takes
its meaning away. Knows text only.
"""

from __future__ import annotations

import re
from typing import Any, Final

_BRACKETS: Final = (
    "INST|SYS|IMG(?:_[A-Z]+)?|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|PREFIX|SUFFIX|"
    "MIDDLE|CLS|SEP|MASK|PAD|UNK|BOS|EOS|control_\\d+"
)
_OPENED: Final = re.compile(r"<(?=[A-Za-z/!?<|｜_])|(?<=\{)(?=[{%#])|(?<=[%#])(?=\})|(?<=\})(?=\})")
_CLOSED: Final = re.compile(r"(?<=[|｜>])(?=>)|(?<=[A-Za-z0-9_/｜|▁])(?=>)")
_SQUARE: Final = re.compile(rf"\[(/?(?:{_BRACKETS}))\]")


def harmless(text: str) -> str:
    """The same text with everything broken up that other programs take for their own sign."""
    text = _OPENED.sub(lambda match: f"{match[0]} ", text)
    return _SQUARE.sub(r"[ \1 ]", _CLOSED.sub(" ", text))


def harmless_all(value: Any) -> Any:
    """The same for every text within lists and mappings; names of fields stay."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, dict):
        return {name: harmless_all(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [harmless_all(each) for each in value]
    return value
