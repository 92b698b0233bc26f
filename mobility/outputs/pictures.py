"""Small static maps of the homes, in the colours and hatches of the map page."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from mobility.base.arrays import Float, Int8, Int64
from mobility.base.cache import Bundle
from mobility.base.literal import one_line
from mobility.commute.study import Study
from mobility.outputs.map.background import DEGREE_M, background_of
from mobility.outputs.map.kept_parts import Background, Place
from mobility.outputs.words import Words

#: Colour, hatch and its ink per status: served, outbound only, return only, neither.
STYLES = (
    ("#2d7fa8", "", "#2d7fa8"),
    ("#f4cf7e", "/////", "#a37a1d"),
    ("#e99a52", "\\\\\\\\\\", "#9a5414"),
    ("#d9ad96", "xxxxx", "#a0583a"),
)
_LAND, _LABEL, _GATE, GATE_DOT = "#f6f4ef", "#26323a", "#111820", "#ffd166"
_AREAS = {"forest": "#dfe8d5", "built": "#ebe6dd", "industrial": "#e6dde6", "water": "#bcd7e6"}
_RIVER, _RAIL = "#a5c9de", "#8d8a94"
#: Fill, casing and width (points, for a picture of 4 inches) of each class of road.
_ROADS = {
    "street": ("#b9b0a1", "#b9b0a1", 0.0),
    "tertiary": ("#ffffff", "#b9b0a1", 0.6),
    "secondary": ("#fffdf5", "#a79c8a", 0.9),
    "primary": ("#fff3d0", "#a08f6c", 1.2),
    "motorway": ("#ffdf9e", "#93733a", 1.5),
}
_INCHES, _DPI, _RATIO, _MARGIN = 5.0, 170, 4 / 3, 0.04
#: Homes are paler where few workers live: below the median, below the top fifth.
_TONES = (0.6, 0.8, 1.0)
_MAX_LABELS, _LABEL_PT = 16, 6.5
#: Half the side of the square of a home known as a point is this part of the picture.
_POINT = 200
_COLOURS = 128
#: Points between a mark of the frontier and its label.
_APART = 5
_RC: dict[Any, object] = {
    "font.family": "DejaVu Sans",
    "hatch.linewidth": 0.55,
    "text.usetex": False,
    "text.parse_math": False,
    "path.simplify": True,
    "path.snap": False,
}


@dataclass(frozen=True)
class View:
    """A plane around the middle of the territory, metres, and the rectangle drawn."""

    lon: float
    lat: float
    west: float
    south: float
    width: float

    @property
    def height(self) -> float:
        """Metres from bottom to top."""
        return self.width / _RATIO

    def plane(self, lonlat: Float) -> Float:
        """Return (lon, lat) rows as metres east and north of the middle."""
        scale = DEGREE_M * np.array([np.cos(np.radians(self.lat)), 1.0])
        return np.asarray((lonlat - [self.lon, self.lat]) * scale)


def view_of(bounds: Float) -> View:
    """Return the view that holds a box of degrees (west, south, east, north)."""
    west, south, east, north = bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    view = View(lon, lat, 0, 0, 1)
    (x0, y0), (x1, y1) = view.plane(np.array([[west, south], [east, north]]))
    width = max(x1 - x0, (y1 - y0) * _RATIO, 500.0) * (1 + 2 * _MARGIN)
    return View(lon, lat, -width / 2, -width / _RATIO / 2, width)


class Painter:
    """Draws the homes of one study; the background is drawn once.

    Parameters
    ----------
    study
        Homes, gates and streets.
    attribution
        Shown in a corner of each picture.
    bounds
        Degrees (west, south, east, north) that are shown; by default all homes and gates.
    """

    def __init__(self, study: Study, attribution: str, bounds: Float | None = None) -> None:
        self._study = study
        self.attribution = attribution
        self._shapes = study.homes.shapes.to_numpy()
        self.view = view_of(self._extent() if bounds is None else bounds)

    def _extent(self) -> Float:
        study, shapes = self._study, self._shapes
        gates = np.array([gate for site in study.sites for gate in site.gates])
        boxes = shapely.bounds(shapes[study.workers > 0] if study.workers.any() else shapes)
        low = np.minimum(boxes[:, :2].min(axis=0), gates.min(axis=0))
        high = np.maximum(boxes[:, 2:].max(axis=0), gates.max(axis=0))
        return np.concatenate([low, high])

    @cached_property
    def _rings(self) -> tuple[Float, NDArray[np.uint8], Int64]:
        """The outlines of the homes: vertices, codes and the home of each vertex."""
        if self._study.homes.cells is None:
            return _squares(self._study.homes.lonlat, self.view)
        return _outlines(self._shapes, self.view)

    @cached_property
    def _tone(self) -> Int64:
        workers = self._study.workers
        some = np.sort(workers[workers > 0])
        if not some.size:
            return np.full(workers.size, 2)
        few, many = some[some.size // 2], some[int(some.size * 0.8)]
        if few == many:
            return np.full(workers.size, 2)
        return np.where(workers >= many, 2, np.where(workers >= few, 1, 0))

    @cached_property
    def _canvas(self) -> tuple[Any, Any, Any, tuple[Place, ...]]:
        """Figure, axes and background pixels, kept for every picture."""
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        with mpl.rc_context(_RC):
            # Without pyplot, which keeps every figure and asks for a screen.
            figure: Any = Figure(figsize=(_INCHES, _INCHES / _RATIO), dpi=_DPI, facecolor=_LAND)
            canvas: Any = FigureCanvasAgg(figure)
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            axes.set_xlim(self.view.west, self.view.west + self.view.width)
            axes.set_ylim(self.view.south, self.view.south + self.view.height)
            background = background_of(self._study)
            _draw_background(axes, background, self.view)
            canvas.draw()
            pixels = canvas.copy_from_bbox(figure.bbox)
        return figure, axes, pixels, background.places

    def png(self, status: Int8, site: int, *, small: bool = False) -> bytes:
        """Return a picture of the homes by status, the gates of ``site`` marked.

        Parameters
        ----------
        status
            int8[H], 0 served, 1 outbound only, 2 return only, 3 neither.
        site
            Index of the site in the study.
        small
            The picture will be shown small: fewer and larger words and marks.
        """

        def compute() -> Bundle:
            drawn = self._picture(
                lambda axes: (*self._homes(axes, status), *self._gates(axes, site, small)), small
            )
            return {"png": np.frombuffer(drawn, np.uint8)}

        study, view = self._study, np.array(astuple(self.view))
        gates = np.array(study.sites[site].gates, np.float64)
        communes = tuple(study.homes.frame["commune"].fillna("").astype(str))
        homes = [study.workers, self._rings[0], communes]
        key = ["picture", *homes, status, gates, small, view, self.attribution]
        found = study.kept(key, compute)
        return np.asarray(found["png"]).tobytes()

    def lines(self, ways: Iterable[tuple[Float, str, str]], stops: Float) -> bytes:
        """Return a picture of lines over the territory, every gate marked.

        Parameters
        ----------
        ways
            Longitudes and latitudes (float64[n, 2]), colour and name of each way; a name is
            written once.
        stops
            Longitudes and latitudes of the stops, float64[n, 2].
        """
        sites = range(len(self._study.sites))
        drawn = [(self.view.plane(path), colour, name) for path, colour, name in ways]
        dots = self.view.plane(stops)

        def artists(axes: Any) -> Iterator[Any]:
            for xy, colour, _ in drawn:
                yield axes.plot(xy[:, 0], xy[:, 1], "-", color="white", lw=3.4)[0]
                yield axes.plot(xy[:, 0], xy[:, 1], "-", color=colour, lw=2)[0]
            yield axes.plot(dots[:, 0], dots[:, 1], "o", ms=3.6, mfc="white", mec=_LABEL)[0]
            for site in sites:
                yield from self._gates(axes, site, small=False)
            named = {name: (xy, colour) for xy, colour, name in reversed(drawn)}
            for k, (name, (xy, colour)) in enumerate(sorted(named.items())):
                # Names are spread out, for lines often share their first stops.
                at = xy[len(xy) * k // len(named)]
                box = {"boxstyle": "round,pad=0.25", "fc": colour, "ec": "white"}
                yield axes.text(
                    *at, one_line(name), fontsize=7.5, color="white", weight="bold", bbox=box
                )

        return self._picture(artists, small=False)

    def _picture(self, draw: Callable[[Any], Iterable[Any]], small: bool) -> bytes:
        """Return the background with what is drawn on it, its labels and its scale."""
        import matplotlib as mpl

        figure, axes, pixels, places = self._canvas
        with mpl.rc_context(_RC):
            labels = (*self._labels(axes, places, small), *self._scale(axes, small))
            artists = [*draw(axes), *labels]
            canvas = figure.canvas
            canvas.restore_region(pixels)
            for artist in artists:
                axes.draw_artist(artist)
            image = _as_png(np.asarray(canvas.buffer_rgba()))
            for artist in artists:
                artist.remove()
        return image

    def _homes(self, axes: Any, status: Int8) -> Iterator[Any]:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        lived_in = self._study.workers > 0
        vertices, codes, owner = self._rings
        for index in (3, 0, 2, 1):
            colour, hatch, ink = STYLES[index]
            mine = (status == index) & lived_in
            for tone, alpha in enumerate(_TONES):
                at = (mine & (self._tone == tone))[owner]
                if at.any():
                    path = Path(vertices[at], codes[at])
                    patch = PathPatch(path, facecolor=colour, alpha=alpha, linewidth=0)
                    yield axes.add_artist(patch)
            at = mine[owner]
            if hatch and at.any():
                path = Path(vertices[at], codes[at])
                patch = PathPatch(path, fill=False, hatch=hatch, edgecolor=ink, linewidth=0)
                yield axes.add_artist(patch)

    def _labels(self, axes: Any, places: Iterable[Place], small: bool) -> Iterator[Any]:
        from matplotlib.patheffects import withStroke

        per_pt = self.view.width / (_INCHES * 72)
        size, most = (_LABEL_PT * 1.8, 4) if small else (_LABEL_PT, _MAX_LABELS)
        taken: list[tuple[float, float, float, float]] = []
        for place in places:
            if place.rank > 2 or len(taken) == most:
                continue
            x, y = self.view.plane(np.array([place.lon, place.lat]))
            wide, high = len(place.name) * size * 0.32 * per_pt, size * per_pt
            box = (x - wide, y - high, x + wide, y + high)
            if not self._inside(box) or any(_overlap(box, other) for other in taken):
                continue
            taken.append(box)
            yield axes.text(
                x, y, one_line(place.name), ha="center", va="center",
                fontsize=size + (place.rank == 0), color=_LABEL,
                path_effects=[withStroke(linewidth=1.6, foreground="white")],
            )  # fmt: skip

    def _inside(self, box: tuple[float, float, float, float]) -> bool:
        view = self.view
        return (
            box[0] > view.west
            and box[1] > view.south
            and box[2] < view.west + view.width
            and box[3] < view.south + view.height
        )

    def _gates(self, axes: Any, site: int, small: bool) -> Iterator[Any]:
        xy = self.view.plane(np.array(self._study.sites[site].gates))
        grow = 1.7 if small else 1.0
        for colour, size, edge in ((_GATE, 7.5 * grow, "white"), (GATE_DOT, 2.6 * grow, _GATE)):
            yield axes.plot(
                xy[:, 0], xy[:, 1], "D", ms=size, mfc=colour, mec=edge,
                mew=0.9 * grow * (colour == _GATE),
            )[0]  # fmt: skip

    def _scale(self, axes: Any, small: bool) -> Iterator[Any]:
        from matplotlib.patheffects import withStroke

        view = self.view
        length = scale_length(view.width / 5)
        x1, y = view.west + view.width * 0.97, view.south + view.height * 0.075
        halo = [withStroke(linewidth=2.4, foreground="white")]
        yield axes.plot(
            [x1 - length, x1], [y, y], "-|", color=_LABEL, lw=1.6 if small else 1, ms=4,
            path_effects=halo,
        )[0]  # fmt: skip
        text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
        yield axes.text(
            x1 - length / 2, y + view.height * 0.012, text, ha="center", va="bottom",
            fontsize=11 if small else 6, color=_LABEL, path_effects=halo,
        )  # fmt: skip
        yield axes.text(
            x1, view.south + view.height * 0.015, one_line(self.attribution),
            ha="right", va="bottom", fontsize=8.5 if small else 4.8, color=_LABEL,
            path_effects=halo,
        )  # fmt: skip


def scale_length(most_m: float) -> float:
    """Return the longest of 1, 2, 5 × 10ⁿ metres that is no longer than ``most_m``."""
    power = 10.0 ** np.floor(np.log10(most_m))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most_m))


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _outlines(cells: NDArray[np.object_], view: View) -> tuple[Float, NDArray[np.uint8], Int64]:
    """Return the rings of all cells as one compound path, and the home of each vertex."""
    parts, home = shapely.get_parts(cells, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(ring), 2, np.uint8)
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    codes[first] = 1
    codes[np.append(first[1:], len(ring)) - 1] = 79
    return view.plane(lonlat), codes, home[part[ring]]


def _squares(lonlat: Float, view: View) -> tuple[Float, NDArray[np.uint8], Int64]:
    """Return a small square around each point, as `_outlines` returns the rings of cells."""
    around = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * view.width / _POINT
    corners = (view.plane(lonlat)[:, None] + around).reshape(-1, 2)
    codes = np.tile(np.array([1, 2, 2, 2, 79], np.uint8), len(lonlat))
    return corners, codes, np.repeat(np.arange(len(lonlat)), 5)


def _draw_background(axes: Any, background: Background, view: View) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    for kind, colour in _AREAS.items():
        rings = [ring for shape in background.areas.get(kind, ()) for ring in shape]
        if rings:
            path = Path.make_compound_path(
                *(Path(view.plane(np.vstack([r, r[:1]])), closed=True) for r in rings)
            )
            axes.add_artist(PathPatch(path, facecolor=colour, linewidth=0))
    lines = [(background.rivers, _RIVER, 1.1, "-"), (background.railways, _RAIL, 0.8, (0, (4, 2)))]
    for paths, colour, width, dash in lines:
        drawn = [view.plane(line) for line in paths]
        axes.add_artist(LineCollection(drawn, colors=colour, linewidths=width, linestyles=[dash]))
    for name, (fill, casing, width) in _ROADS.items():
        drawn = [view.plane(line) for line in background.roads.get(name, ())]
        for colour, extra in ((casing, 0.7), (fill, 0.0)):
            axes.add_artist(LineCollection(drawn, colors=colour, linewidths=width + extra))


def _as_png(rgba: NDArray[np.uint8]) -> bytes:
    """Return pixels as a PNG with a palette: the same pixels give the same bytes."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(rgba[..., :3]), "RGB")
    small = image.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True, dpi=(_DPI, _DPI))
    return out.getvalue()


def frontier_png(plans: pd.DataFrame, told: str, words: Words) -> bytes | None:
    """Return jobs gained against thousands of EUR a year, the plan told marked.

    None where there are fewer than two.

    Parameters
    ----------
    plans
        ``plans.csv``: ``plan``, ``eur_year``, ``jobs_gained``, ``knee``.
    told
        Name of the plan that is marked.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if len(plans) < 2:
        return None
    with mpl.rc_context(_RC):
        figure: Any = Figure(figsize=(_INCHES, _INCHES / _RATIO), dpi=_DPI, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)
        axes = figure.add_axes((0.12, 0.14, 0.85, 0.82))
        _draw_frontier(axes, plans, told)
        axes.set_xlabel(words.t("EUR a year (thousands)"), fontsize=8, color=_LABEL)
        axes.set_ylabel(words.t("Jobs whose whole roster is gained"), fontsize=8, color=_LABEL)
        canvas.draw()
        return _as_png(np.asarray(canvas.buffer_rgba()))


def _draw_frontier(axes: Any, plans: pd.DataFrame, told: str) -> None:
    blue = STYLES[0][0]
    eur, jobs = plans["eur_year"].to_numpy() / 1000, plans["jobs_gained"].to_numpy()
    ordered = np.argsort(eur, kind="stable")
    axes.plot([0, *eur[ordered]], [0, *jobs[ordered]], "-", color=blue, lw=1, alpha=0.5)
    names = plans["plan"].to_numpy()
    for k, (x, y, name) in enumerate(zip(eur[ordered], jobs[ordered], names[ordered], strict=True)):
        chosen = name == told
        # Names of neighbours stand on either side of the line.
        side, at = ("right", (-_APART, _APART)) if k % 2 else ("left", (_APART, -_APART - 5))
        axes.plot(
            [x],
            [y],
            "D" if chosen else "o",
            ms=9 if chosen else 4.5,
            mfc=GATE_DOT if chosen else blue,
            mec=_GATE if chosen else blue,
        )
        axes.annotate(
            name, (x, y), at, textcoords="offset points", fontsize=7,
            color=_LABEL, fontweight="bold" if chosen else "normal", ha=side,
        )  # fmt: skip
    axes.set_xlim(0, eur.max() * 1.08)
    axes.set_ylim(0, jobs.max() * 1.08)
    axes.grid(color="#e3e6e8", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7, colors=_LABEL)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
