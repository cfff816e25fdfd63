"""Questions: parsed into queries, executed over evidence, answered in the asker's language.

`parse` knows grammar and no clip's meaning; `execute` (what is measured) and `feelings` (what is
read) know no language; `say` and `say_felt` know wording and measure nothing.
"""

from agent.qa.execute import execute
from agent.qa.parse import parse
from agent.qa.say import say

__all__ = ["execute", "parse", "say"]
