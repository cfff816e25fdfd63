"""The command `duchenne` in a process of its own, for tests."""

from __future__ import annotations

import os
import subprocess
import sys


def duchenne(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "agent.cli.main", *words],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=240,
        check=False,
    )
