"""Questions: parsed into queries, executed over evidence, answered in the asker's language.

`parse` knows grammar and no clip's meaning, `execute` knows cues and no language, `say` knows
wording and measures nothing.
"""

from agent.qa.parse import parse

__all__ = ["parse"]
