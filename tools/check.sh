#!/bin/sh
# Install what the tests need into .venv, then lint, type-check and test everything.
set -eu
cd "$(dirname "$0")/.."

# The page and its prints are tested in a real browser: Debian's Chromium, and poppler to see a PDF.
# French texts are spelt as hunspell's dictionary has them. QGIS opens the GeoPackage in one test.
# Each is installed where that is possible, while Python's packages are; its tests are skipped else.
system_packages() {
    command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || return 0
    missing=""
    for pair in chromium-headless-shell:chromium-headless-shell chromium:chromium pdftoppm:poppler-utils hunspell:hunspell; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
    done
    case "$missing" in *hunspell*) missing="$missing hunspell-fr" ;; esac
    qgis=""
    if [ -x /usr/bin/python3 ] && ! /usr/bin/python3 -c "import qgis.core" 2>/dev/null; then
        qgis="python3-qgis qgis-providers"
    fi
    [ -n "$missing$qgis" ] || return 0
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || return 0
    for package in $missing; do
        apt-get install -y -qq --no-install-recommends "$package" >/dev/null || true
    done
    # shellcheck disable=SC2086
    [ -z "$qgis" ] || timeout 180 apt-get install -y -qq --no-install-recommends $qgis >/dev/null || true
}
system_packages &
system=$!

# Else each worker, and each command that a test starts, compiles the package's source again.
unset PYTHONDONTWRITEBYTECODE
if [ ! -x .venv/bin/python ]; then "${PYTHON:-python3}" -m venv .venv; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
# Half of what is installed is never imported: what is, is compiled when it is.
.venv/bin/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[dev]"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/lint-imports
# What numba compiles is compiled here, not by each of the workers that test.
.venv/bin/python -m pytest -q tests/test_sbrp.py tests/test_dial_a_ride.py \
    tests/test_retiming.py::test_the_best_move_is_the_known_one >/dev/null 2>&1 &
kernels=$!
NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet &
docs=$!
.venv/bin/mypy
wait "$docs"
wait "$kernels" || true
wait "$system"
.venv/bin/python -m pytest -n 3 --dist loadfile "$@"
