"""A territory that gives no headcount has nobody to carry: one line, no traceback."""

import pytest
from small import write_territory

from mobility import assess, design_shuttles, load, white_zones
from mobility.base.errors import TerritoryError


def test_without_headcounts_the_error_says_what_to_give(tmp_path):
    study = load(write_territory(tmp_path, rosters='["night"]'))
    access = assess(study)
    zones = white_zones(access)
    with pytest.raises(TerritoryError, match="nobody to carry") as caught:
        design_shuttles(study, access, zones)
    assert "default_headcount" in str(caught.value.mend)
