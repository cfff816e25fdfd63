#!/usr/bin/env bash
# What the tests marked `browser` need: Playwright's package, and Chromium where there is none.
# Then: pytest -m browser
set -euo pipefail
pip install playwright
if [ -z "${CHROMIUM:-}" ] && ! command -v chromium chrome >/dev/null; then
  playwright install chromium
fi
