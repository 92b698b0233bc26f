"""A GeoPackage opened by QGIS itself: each layer comes with its style, and is drawn in it.

QGIS is no Python package: the check runs in the system's Python where Debian's
``python3-qgis`` and ``qgis-providers`` are installed, and is skipped elsewhere.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small import write_territory

from mobility.base.i18n import translate
from mobility.commute.access import STATUSES, assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.outputs.pictures import STYLES
from mobility.outputs.table_files import HATCH_ANGLES, STATUS_LABELS, write_tables

PYTHON = "/usr/bin/python3"
#: Opens every layer anew, as when a file is dragged in; tells its style and draws it.
SCRIPT = """
import json, sys
from qgis.core import QgsApplication, QgsMapRendererParallelJob, QgsMapSettings, QgsVectorLayer
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
file, folder = sys.argv[1:]
app = QgsApplication([], False)
app.initQgis()
def symbol(it):
    return [[s.layerType(), s.properties().get("angle")] for s in it.symbolLayers()]
def opened(name):
    layer = QgsVectorLayer(f"{file}|layername={name}", name, "ogr")
    kind = layer.renderer().type()
    told = {"valid": layer.isValid(), "renderer": kind, "n": layer.featureCount()}
    told["default"] = layer.loadDefaultStyle()[1]
    if kind == "categorizedSymbol":
        told["field"] = layer.renderer().classAttribute()
        told["classes"] = [[c.value(), c.label(), c.symbol().color().name(), symbol(c.symbol())]
                           for c in layer.renderer().categories()]
        offered, _, names, _, _ = layer.listStylesInDatabase()
        told["styles"] = names[:offered]
    else:
        told["symbol"] = symbol(layer.renderer().symbol())
    if layer.labelsEnabled():
        rules = layer.labeling().settings()
        look = rules.format()
        told["label"] = [rules.fieldName, look.font().bold(), look.buffer().enabled()]
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setOutputSize(QSize(400, 300))
    settings.setBackgroundColor(QColor("white"))
    view = layer.extent()
    view.grow(0.01)
    settings.setExtent(view)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    told["errors"] = [e.message for e in job.errors()]
    job.renderedImage().save(f"{folder}/{name}.png")
    return told
print(json.dumps({name: opened(name) for name in ("homes", "sites", "stops")}), flush=True)
app.exitQgis()
"""


def qgis(*arguments, check=False):
    return subprocess.run(
        [PYTHON, "-c", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"),
             "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True, timeout=120, check=check,
    )  # fmt: skip


def opened_as(kind, folder):
    """Open the layers of a run whose homes are points or cells."""
    if not Path(PYTHON).exists() or qgis("import qgis.core").returncode:
        pytest.skip("no QGIS on this machine: apt-get install python3-qgis qgis-providers")
    path = write_territory(folder)
    text = path.read_text("utf-8").replace("personal = false", f'personal = false\nkind = "{kind}"')
    path.write_text(text, encoding="utf-8")
    access = assess(load(path))
    write_tables(access, white_zones(access), folder)
    done = qgis(SCRIPT, folder / "results.gpkg", folder, check=True)
    return json.loads(done.stdout.splitlines()[-1]), done.stderr, folder


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    return opened_as("cells", tmp_path_factory.mktemp("qgis"))


def test_every_layer_opens_with_its_style(opened):
    said, complaints, _ = opened
    assert {name: (t["valid"], t["renderer"], t["default"]) for name, t in said.items()} == {
        "homes": (True, "categorizedSymbol", True),
        "sites": (True, "singleSymbol", True),
        "stops": (True, "singleSymbol", True),
    }
    assert all(t["n"] > 0 and t["errors"] == [] for t in said.values())
    assert "Warning" not in complaints


def test_homes_are_told_apart_by_colour_and_hatch(opened):
    homes = opened[0]["homes"]
    assert homes["field"].strip('"').endswith(" | status")
    assert homes["styles"][0] == homes["field"].strip('"').removesuffix(" | status")
    expected = [
        [status, translate(label, "fr"), STYLES[i][0],
         [["SimpleFill", None], *(["LinePatternFill", str(a)] for a in HATCH_ANGLES[i])]]
        for i, (status, label) in enumerate(zip(STATUSES, STATUS_LABELS, strict=True))
    ]  # fmt: skip
    assert homes["classes"] == expected


def test_homes_that_are_points_are_told_apart_by_colour_and_marker(tmp_path):
    homes = opened_as("points", tmp_path)[0]["homes"]
    symbols = [[kind for kind, _ in classed[3]] for classed in homes["classes"]]
    assert [classed[2] for classed in homes["classes"]] == [STYLES[i][0] for i in range(4)]
    assert symbols == [["SimpleMarker"]] * 4


def test_gates_are_named_and_everything_is_drawn(opened):
    said, _, folder = opened
    assert said["sites"]["label"] == ["site", True, True]
    assert [kind for kind, _ in said["sites"]["symbol"]] == ["SimpleMarker", "SimpleMarker"]
    for name, colour in (("homes", None), ("sites", "#ffd166"), ("stops", "#1c4f66")):
        drawn = np.asarray(Image.open(folder / f"{name}.png").convert("RGB")).astype(int)
        wanted = [c[2] for c in said["homes"]["classes"]] if colour is None else [colour]
        rgb = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in wanted]
        assert any((abs(drawn - c).max(axis=2) < 40).sum() > 2 for c in rgb), name
