#!/bin/sh
# Install what the tests need into .venv, then lint, type-check and test everything.
set -eu
cd "$(dirname "$0")/.."
if [ ! -x .venv/bin/python ]; then "${PYTHON:-python3}" -m venv .venv; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
# The page and its prints are tested in a real browser: Debian's Chromium, and poppler to see a PDF,
# are installed where that is possible.
if ! { command -v chromium && command -v pdftoppm; } >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium poppler-utils >/dev/null
fi
# French texts are spelt as hunspell's dictionary has them, where that can be installed.
if ! command -v hunspell >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends hunspell hunspell-fr >/dev/null || true
fi
# QGIS opens the GeoPackage in one test, which is skipped where it cannot be installed (1 min).
if [ -x /usr/bin/python3 ] && ! /usr/bin/python3 -c "import qgis.core" 2>/dev/null \
    && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 180 apt-get install -y -qq \
        --no-install-recommends python3-qgis qgis-providers >/dev/null || true
fi
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
.venv/bin/lint-imports
NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
.venv/bin/python -m pytest -n 3 --dist loadfile "$@"
