#!/bin/sh
# The oldest libraries that pyproject.toml allows, under the tests that touch each of them.
set -eu
cd "$(dirname "$0")/.."
if [ ! -x .venv-lowest/bin/python ]; then "${PYTHON:-python3}" -m venv .venv-lowest; fi
.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python \
    --resolution lowest-direct --editable ".[dev]"
cd tests
../.venv-lowest/bin/python -m pytest -n 2 --dist loadfile --quiet test_cache.py test_cli.py \
    test_homes.py test_osm.py test_outputs_tables.py test_overseas.py test_public_names.py \
    test_report.py test_shuttle_routes.py test_sites.py test_small_case.py test_streets_hours.py \
    test_tables.py test_timetable_build.py "$@"
