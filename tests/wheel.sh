#!/usr/bin/env bash
# Builds the package, installs the wheel alone into a clean environment, and asks a question from a
# folder that has an `agent` of its own. What the release workflow does, on this machine.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/build" "$work/use"
"$work/build/bin/pip" install -q build twine
"$work/build/bin/python" -m build --outdir "$work/dist" "$root" >/dev/null
"$work/build/bin/twine" check --strict "$work"/dist/*
"$work/use/bin/pip" install -q "$work"/dist/*.whl
mkdir -p "$work/project/agent"
echo 'raise SystemExit("somebody else'"'"'s agent was imported")' >"$work/project/agent/__init__.py"
cd "$work/project"
DUCHENNE_CACHE="$work/cache" "$work/use/bin/python" - "$root/tests/media/ann_smile.jpg" <<'PYTHON'
import sys

from duchenne import ask

answer = ask(sys.argv[1], "How does she feel, and why?")
print(answer.answer)
assert answer.emotions and any(claim.cites for claim in answer.claims)
PYTHON
"$work/use/bin/duchenne" --version
