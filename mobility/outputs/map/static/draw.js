// Drawing: four canvases, each with its own task, redrawn only when it must be.
const INK = { land: "#f6f4ef", built: "#ebe6dd", forest: "#dfe8d5", industrial: "#e6dde6",
  water: "#bcd7e6", river: "#a5c9de", rail: "#8d8a94", label: "#26323a", halo: "rgba(255,255,255,.9)" };
const ROADS = { // fill, casing, width at zoom 12, first zoom, first zoom with a casing
  street: ["#ffffff", "#a89f90", 0.6, 0, 14.5],
  minor: ["#ffffff", "#cfc8bb", 0.7, 12.5, 13.5], tertiary: ["#ffffff", "#b9b0a1", 1.3, 10.5, 12],
  secondary: ["#fffdf5", "#a79c8a", 1.8, 9.5, 11], primary: ["#fff3d0", "#a08f6c", 2.4, 0, 9.5],
  motorway: ["#ffdf9e", "#93733a", 3.0, 0, 8.5] };

const Layer = L.Renderer.extend({
  _initContainer() { this._container = L.DomUtil.create("canvas", "mb-canvas"); this._ctx = this._container.getContext("2d"); },
  // For paper: a copy that holds one image. Chromium misplaces what is drawn stroke by stroke
  // while it prints, and canvases that were on the screen.
  flatten() {
    this._update();
    const copy = this._container.cloneNode();
    this._ctx = copy.getContext("2d");
    this._ctx.drawImage(this._container, 0, 0);
    L.DomUtil.setPosition(copy, L.DomUtil.getPosition(this._container));
    this._container.replaceWith(copy);
    this._container = copy;
  },
  _destroyContainer() { L.DomUtil.remove(this._container); delete this._container; },
  _updatePaths() {},
  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    const size = this._bounds.getSize(), box = this._container;
    const ratio = document.body.dataset.layout ? Math.max(2, devicePixelRatio) : devicePixelRatio;
    L.DomUtil.setPosition(box, this._bounds.min);
    box.width = ratio * size.x; box.height = ratio * size.y;
    box.style.width = size.x + "px"; box.style.height = size.y + "px";
    this._ratio = ratio;
    this.redraw();
  },
  redraw() {
    if (this._map && this._bounds) this._draw(this._view(), null);
  },
  // Draws anew what lies in some tiles alone, see `tilesOf`.
  redrawIn(tiles) {
    this._draw(tiles.view, tiles);
  },
  _draw(view, tiles) {
    const ctx = this._ctx;
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    if (tiles) ctx.clip(tiles.area);
    ctx.clearRect(0, 0, this._container.width, this._container.height);
    ctx.setTransform(this._ratio, 0, 0, this._ratio,
      -this._bounds.min.x * this._ratio, -this._bounds.min.y * this._ratio);
    this.options.paint(ctx, view, tiles);
    ctx.restore();
  },
  _view() {
    const size = this._bounds.getSize(), origin = this._map.getPixelOrigin();
    const zoom = this._map.getZoom(), world = 256 * Math.pow(2, zoom);
    return {
      zoom, world, ox: origin.x, oy: origin.y, left: this._bounds.min.x, top: this._bounds.min.y,
      right: this._bounds.max.x, bottom: this._bounds.max.y, width: size.x, height: size.y,
      minX: (this._bounds.min.x + origin.x) / world, maxX: (this._bounds.max.x + origin.x) / world,
      minY: (this._bounds.min.y + origin.y) / world, maxY: (this._bounds.max.y + origin.y) / world,
      px(x) { return x * world - origin.x; }, py(y) { return y * world - origin.y; } };
  },
});

const layers = {};
function addLayer(name, zIndex, paint) {
  map.createPane("mb-" + name).style.zIndex = zIndex;
  map.getPane("mb-" + name).style.pointerEvents = "none";
  layers[name] = new Layer({ pane: "mb-" + name, padding: 0.15, paint });
  layers[name].addTo(map);
}

// Paths seen in the view, as one path of the canvas.
function trace(ctx, view, paths, close) {
  ctx.beginPath();
  for (let p = 0; p < paths.n; p++) tracePath(ctx, view, paths, p, close);
}

function boxOf(paths, p) {
  if (!paths.box) paths.box = new Array(paths.n);
  if (!paths.box[p]) {
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (let i = paths.start[p]; i < paths.start[p + 1]; i++) {
      x0 = Math.min(x0, paths.x[i]); x1 = Math.max(x1, paths.x[i]);
      y0 = Math.min(y0, paths.y[i]); y1 = Math.max(y1, paths.y[i]);
    }
    paths.box[p] = [x0, y0, x1, y1];
  }
  return paths.box[p];
}

function tracePath(ctx, view, paths, p, close) {
  const box = boxOf(paths, p);
  if (box[2] < view.minX || box[0] > view.maxX || box[3] < view.minY || box[1] > view.maxY) return;
  let lastX = NaN, lastY = NaN;
  const end = paths.start[p + 1];
  for (let i = paths.start[p]; i < end; i++) {
    const x = paths.x[i] * view.world - view.ox, y = paths.y[i] * view.world - view.oy;
    if (i === paths.start[p]) ctx.moveTo(x, y);
    else if (close || Math.abs(x - lastX) + Math.abs(y - lastY) > 1.2 || i === end - 1) ctx.lineTo(x, y);
    else continue;
    lastX = x; lastY = y;
  }
  if (close) ctx.closePath();
}

// Hatches: drawn once, used as canvas patterns and in the legend.
const hatches = {};
function hatch(kind, colour) {
  const name = kind + colour;
  if (hatches[name]) return hatches[name];
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const ctx = tile.getContext("2d");
  ctx.strokeStyle = colour;
  ctx.lineWidth = kind === "x" ? 0.8 : 1.1;
  ctx.beginPath();
  const line = (a, b, c, d) => { ctx.moveTo(a, b); ctx.lineTo(c, d); };
  if (kind === "/" || kind === "x") { line(-2, 10, 10, -2); line(-2, 2, 2, -2); line(6, 10, 10, 6); }
  if (kind === "\\" || kind === "x") { line(-2, -2, 10, 10); line(6, -2, 10, 2); line(-2, 6, 2, 10); }
  if (kind === "-") { line(0, 4, 8, 4); }
  if (kind === ".") { ctx.arc(4, 4, 0.9, 0, 7); }
  ctx.stroke();
  hatches[name] = ctx.createPattern(tile, "repeat");
  return hatches[name];
}

// Tiles from the network, where the page was written with them, cover the ground once they come.
let tilesCame = false;
const tilesSeen = () => tilesCame && state.layers.background;
function watchTiles() {
  map.eachLayer((layer) => {
    if (!(layer instanceof L.TileLayer)) return;
    layer.once("tileload", () => {
      tilesCame = true;
      for (const own of Object.values(layers)) own.redraw();
    });
  });
}

// Ground: land use and water.
const ground = { areas: {}, rivers: null, railways: null, roads: {}, places: [] };
async function loadGround() {
  const bg = manifest.background;
  Object.assign(ground, { areas: {}, roads: {} });
  const areas = Object.entries(bg.areas).map(async ([kind, blob]) => {
    ground.areas[kind] = await pathsOf(blob);
  });
  const roads = Object.entries(bg.roads).map(async ([kind, blob]) => {
    ground.roads[kind] = await pathsOf(blob);
  });
  ground.rivers = await pathsOf(bg.rivers);
  ground.railways = await pathsOf(bg.railways);
  ground.places = bg.places.map(([name, lon, lat, rank]) => (
    { name, x: mercatorX(lon), y: mercatorY(lat), rank }));
  await Promise.all([...areas, ...roads]);
}

function paintGround(ctx, view) {
  if (!state.layers.background) return;
  ctx.fillStyle = INK.land;
  ctx.fillRect(view.left, view.top, view.width, view.height);
  for (const kind of ["built", "forest", "industrial", "water"]) {
    if (!ground.areas[kind]) continue;
    trace(ctx, view, ground.areas[kind], true);
    ctx.fillStyle = INK[kind];
    ctx.fill("nonzero");
    if (kind === "industrial") {
      ctx.fillStyle = hatch("/", "rgba(112,84,128,.28)");
      ctx.fill("nonzero");
      ctx.strokeStyle = "rgba(112,84,128,.55)";
      ctx.lineWidth = 0.8;
      ctx.stroke();
    }
  }
}

// Roads stand over the results, light enough to let them through.
function paintRoads(ctx, view) {
  if (tilesSeen() || !state.layers.background) return;
  ctx.lineCap = ctx.lineJoin = "round";
  const grown = Math.pow(1.28, view.zoom - 12);
  const shown = ["street", "minor", "tertiary", "secondary", "primary", "motorway"]
    .filter((kind) => ground.roads[kind] && view.zoom >= ROADS[kind][3]);
  ctx.globalAlpha = 0.85;
  if (ground.areas.water) { trace(ctx, view, ground.areas.water, true); ctx.fillStyle = INK.water; ctx.fill("nonzero"); }
  if (ground.rivers) {
    trace(ctx, view, ground.rivers, false);
    ctx.strokeStyle = INK.river; ctx.lineWidth = Math.max(1.2, (view.zoom - 8) * 0.7); ctx.stroke();
  }
  if (ground.railways) {
    trace(ctx, view, ground.railways, false);
    ctx.strokeStyle = INK.rail; ctx.lineWidth = 1.6; ctx.stroke();
    ctx.strokeStyle = "#ffffff"; ctx.lineWidth = 0.8; ctx.setLineDash([6, 6]); ctx.stroke();
    ctx.setLineDash([]);
  }
  for (const pass of ["casing", "fill"]) {
    for (const kind of shown) {
      const [fill, casing, width, , casedFrom] = ROADS[kind];
      const cased = view.zoom >= casedFrom;
      if (pass === "casing" && !cased) continue;
      trace(ctx, view, ground.roads[kind], false);
      ctx.strokeStyle = pass === "casing" ? casing : (cased ? fill : casing);
      const wide = Math.max(0.6, width * grown);
      ctx.lineWidth = pass === "casing" ? wide + 1.4 : (cased ? wide : Math.min(1, wide * 0.6));
      ctx.stroke();
    }
  }
  ctx.globalAlpha = 1;
}

// Stops, gates, labels.
const stops = { n: 0 };
async function loadStops() {
  Object.assign(stops, { n: manifest.stops.n, x: null });
  if (!stops.n) return;
  const [names, lon, lat] = await Promise.all([jsonOf(manifest.stops.names),
    intsOf(manifest.stops.lon), intsOf(manifest.stops.lat)]);
  stops.names = names;
  stops.x = Float64Array.from(lon, mercatorX);
  stops.y = Float64Array.from(lat, mercatorY);
  stops.trips = await Promise.all(manifest.stops.trips.map((blob) => intsOf(blob)));
}

function paintTop(ctx, view) {
  const taken = [];
  if (state.layers.isochrones) paintIsochrones(ctx, view);
  if (state.layers.lines && lines.paths) paintLines(ctx, view);
  if (state.layers.stops && stops.x) paintStops(ctx, view);
  paintPlan(ctx, view);
  paintGates(ctx, view, taken);
  paintPlanLabels(ctx, view, taken);
  if (state.layers.lines && lines.paths) paintLineLabels(ctx, view, taken);
  if (state.layers.labels && !tilesSeen()) paintPlaces(ctx, view, taken);
  paintCard(ctx, view);
  paintMeasure(ctx, view);
}

function paintStops(ctx, view) {
  const trips = stops.trips[isRoster() ? 0 : Math.min(state.day, stops.trips.length - 1)];
  for (const served of [false, true]) {
    ctx.beginPath();
    for (let s = 0; s < stops.n; s++) {
      if ((trips ? trips[s] > 0 : true) !== served) continue;
      const x = stops.x[s], y = stops.y[s];
      if (x < view.minX || x > view.maxX || y < view.minY || y > view.maxY) continue;
      const r = Math.max(1.4, Math.min(5, (view.zoom - 8) * 0.45 + (trips ? Math.sqrt(trips[s]) * 0.12 : 0)));
      ctx.moveTo(view.px(x) + r, view.py(y));
      ctx.arc(view.px(x), view.py(y), r, 0, 6.2832);
    }
    ctx.fillStyle = served ? "#ffffff" : "#d9d9d9";
    ctx.fill();
    ctx.strokeStyle = served ? "#1c4f66" : "#6b747a";
    ctx.lineWidth = 1.1;
    ctx.stroke();
  }
}

function paintGates(ctx, view, taken) {
  const order = [...gatePoints].sort((a, b) => (a.site === state.site) - (b.site === state.site));
  for (const gate of order) {
    const on = gate.site === state.site, size = on ? 8 : 5;
    const x = view.px(gate.x), y = view.py(gate.y);
    ctx.save();
    ctx.translate(x, y);
    ctx.rotate(Math.PI / 4);
    ctx.fillStyle = on ? "#111820" : "#59636b";
    ctx.strokeStyle = "#ffffff";
    ctx.lineWidth = on ? 2.4 : 1.5;
    ctx.fillRect(-size, -size, 2 * size, 2 * size);
    ctx.strokeRect(-size, -size, 2 * size, 2 * size);
    if (on) { ctx.fillStyle = "#ffd166"; ctx.fillRect(-3, -3, 6, 6); }
    ctx.restore();
    taken.push([x - 14, y - 14, x + 14, y + 14]);
  }
  for (const gate of order.reverse()) {
    if (gate.gate > 0) continue;
    const on = gate.site === state.site;
    if (!on && view.zoom < 11.5) continue;
    write(ctx, manifest.sites[gate.site].name, view.px(gate.x), view.py(gate.y) - (on ? 16 : 11),
      on ? "700 14px " : "600 11.5px ", on ? "#111820" : "#3d474f", taken, on);
  }
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';
function write(ctx, text, x, y, font, colour, taken, always) {
  ctx.font = font + FONT;
  ctx.textAlign = "center";
  ctx.textBaseline = "alphabetic";
  const wide = ctx.measureText(text).width / 2 + 3;
  const box = [x - wide, y - 13, x + wide, y + 4], at = map.layerPointToContainerPoint([0, 0]), size = map.getSize();
  if (!always && (box[0] + at.x < 2 || box[2] + at.x > size.x - 2 || box[1] + at.y < 2 || box[3] + at.y > size.y - 2)) return;
  if (!always && taken.some((o) => box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1])) return;
  taken.push(box);
  ctx.lineJoin = "round";
  ctx.strokeStyle = INK.halo;
  ctx.lineWidth = 3.4;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = colour;
  ctx.fillText(text, x, y);
}

function paintPlaces(ctx, view, taken) {
  const fonts = ["700 16px ", "600 14px ", "500 12.5px ", "400 11px "];
  const from = [0, 8.5, 10.5, 12.5];
  for (const place of [...ground.places].sort((a, b) => a.rank - b.rank)) {
    if (view.zoom < from[place.rank]) continue;
    if (place.x < view.minX || place.x > view.maxX || place.y < view.minY || place.y > view.maxY) continue;
    write(ctx, place.name, view.px(place.x), view.py(place.y) + 4, fonts[place.rank], INK.label, taken, false);
  }
}
