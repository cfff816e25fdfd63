"""Questions: parsed into queries, executed over evidence, answered in the asker's language.

`parse` knows grammar and no clip's meaning, `execute` knows cues and no language, `say` knows
wording and measures nothing.
"""

from agent.qa.execute import execute
from agent.qa.parse import parse
from agent.qa.say import Numbers, say, say_reading

__all__ = ["Numbers", "execute", "parse", "say", "say_reading"]
