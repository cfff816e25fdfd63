#!/usr/bin/env bash
# usage: tests/install_locked.sh TARGET_VENV [EXTRAS]
# Makes TARGET_VENV, if it is not there, and installs this checkout into it, editable, with exactly
# the packages of uv.lock, each checked against its hash. EXTRAS: names with commas, e.g. dev,scale.
# Leaves the lock as it is, and fails where pyproject.toml asks for something the lock lacks.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
target="${1:?usage: $0 TARGET_VENV [EXTRAS]}"
extras=()
for extra in $(echo "${2:-}" | tr ',' ' '); do extras+=(--extra "$extra"); done

[ -x "$target/bin/python" ] || python3 -m venv "$target"
target="$(cd "$target" && pwd)"
if ! command -v uv >/dev/null; then
  "$target/bin/python" -m pip install -q uv
  PATH="$target/bin:$PATH"
fi
export UV_PROJECT_ENVIRONMENT="$target"
# --inexact: what is in the environment beside the lock stays, pip and uv among it.
uv sync -q --locked --inexact --project "$here" --python "$target/bin/python" "${extras[@]}"
