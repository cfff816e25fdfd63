#!/bin/sh
# Builds what the tests marked `browser` need: Playwright's Python package, a Chromium, and, where
# npm is at hand, axe-core and TypeScript (their tests skip without).
#
#   sh tests/browser_setup.sh ~/browser-env
#   DUCHENNE_BROWSER=~/browser-env ~/browser-env/bin/python -m pytest -m browser
#
# Ends with 3 and says why where no browser can be had.
set -eu

target="${1:?usage: sh tests/browser_setup.sh FOLDER}"
here=$(cd "$(dirname "$0")/.." && pwd)

"${PYTHON:-python3}" -m venv "$target"
"$target/bin/python" -m pip install --quiet playwright -e "$here[dev]"

if command -v npm >/dev/null; then
    npm install --silent --no-audit --no-fund --prefix "$target" axe-core@4 typescript@5 \
        || echo "no axe-core and TypeScript: npm gave none" >&2
else
    echo "no axe-core and TypeScript: there is no npm" >&2
fi

if [ -n "${CHROMIUM:-}" ] || command -v chromium chrome >/dev/null; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq chromium >/dev/null && exit 0
fi
if "$target/bin/playwright" install chromium; then
    exit 0
fi
echo "no browser: neither apt nor Playwright's download gave a Chromium" >&2
exit 3
