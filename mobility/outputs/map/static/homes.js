// Homes: cells or circles, one path per class; workers in parts, see `per` of the manifest.
const homes = { n: 0, cells: null, x: null, y: null, workers: null };
async function loadHomes() {
  Object.assign(homes, { n: manifest.homes.n, cells: null, box: null, workers: null, width: 0 });
  grid = null;
  const [lon, lat] = await Promise.all([intsOf(manifest.homes.lon), intsOf(manifest.homes.lat)]);
  homes.x = Float64Array.from(lon, mercatorX);
  homes.y = Float64Array.from(lat, mercatorY);
  if (manifest.homes.cells) {
    const [paths, rings] = await Promise.all([pathsOf(manifest.homes.cells),
      intsOf(manifest.homes.cells.rings)]);
    const first = new Int32Array(homes.n + 1);
    for (let i = 0; i < homes.n; i++) first[i + 1] = first[i] + rings[i];
    homes.cells = paths;
    homes.first = first;
    boxHomes();
  }
}

function boxHomes() {
  const { cells, first } = homes;
  const box = homes.box = new Float64Array(4 * homes.n);
  for (let h = 0; h < homes.n; h++) {
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (let i = cells.start[first[h]]; i < cells.start[first[h + 1]]; i++) {
      const x = cells.x[i], y = cells.y[i];
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      if (y > y1) y1 = y;
    }
    box.set([x0, y0, x1, y1], 4 * h);
  }
}

function radiusOf(h, zoom) {
  const workers = homes.workers ? Math.max(2, homes.workers[h] / manifest.homes.per) : 10;
  return Math.min(26, Math.max(2.2, Math.sqrt(workers) * 0.55 * Math.pow(1.35, zoom - 11)));
}

// How full a home is drawn: 0 few workers, 2 many; halves and fifths of the homes.
const TONES = [0.5, 0.74, 0.96];
function setTones() {
  const some = Array.from(homes.workers).filter((w) => w !== 0).sort((a, b) => a - b);
  const few = some[Math.floor(some.length * 0.5)], many = some[Math.floor(some.length * 0.8)];
  homes.tone = Uint8Array.from(homes.workers, (w) => (w >= many ? 2 : w >= few ? 1 : 0));
  if (few === many || !homes.cells) homes.tone.fill(2);
  homes.typical = homes.workers.indexOf(few);
}

// Homes of each class and tone inside the view, or inside some tiles of it, as paths; class 255 is
// not drawn.
function classPaths(view, classes, n, tiles) {
  const paths = Array.from({ length: 3 * n }, () => null);
  const pathOf = (h) => {
    const index = 3 * classes[h] + homes.tone[h];
    return paths[index] || (paths[index] = new Path2D());
  };
  const { world, ox, oy } = view;
  const { cells, first, box } = homes;
  for (let h = 0; h < homes.n; h++) {
    const c = classes[h];
    if (c >= n || (tiles && !tiles.touches(h))) continue;
    if (!cells) {
      const x = homes.x[h], y = homes.y[h];
      if (x < view.minX || x > view.maxX || y < view.minY || y > view.maxY) continue;
      const px = x * world - ox, py = y * world - oy, r = radiusOf(h, view.zoom);
      const path = pathOf(h);
      path.moveTo(px + r, py);
      path.arc(px, py, r, 0, 6.2832);
      continue;
    }
    const b = 4 * h;
    if (box[b + 2] < view.minX || box[b] > view.maxX || box[b + 3] < view.minY
      || box[b + 1] > view.maxY) continue;
    const path = pathOf(h);
    if ((box[b + 2] - box[b]) * world < 3) {
      const px = Math.round(box[b] * world - ox), py = Math.round(box[b + 1] * world - oy);
      path.rect(px, py, Math.max(1, Math.round(box[b + 2] * world - ox) - px),
        Math.max(1, Math.round(box[b + 3] * world - oy) - py));
      continue;
    }
    for (let ring = first[h]; ring < first[h + 1]; ring++) {
      const end = cells.start[ring + 1];
      let i = cells.start[ring];
      path.moveTo(cells.x[i] * world - ox, cells.y[i] * world - oy);
      for (i++; i < end; i++) path.lineTo(cells.x[i] * world - ox, cells.y[i] * world - oy);
      path.closePath();
    }
  }
  return paths;
}

// Small cells and circles take a stronger colour, since little of their hatch can be seen.
function cellSize() {
  if (!homes.cells) return 2 * radiusOf(homes.typical, map.getZoom());
  if (!homes.width) {
    const widths = Float64Array.from({ length: homes.n }, (_, h) => homes.box[4 * h + 2] - homes.box[4 * h]);
    homes.width = widths.sort()[homes.n >> 1];
  }
  return homes.width * 256 * Math.pow(2, map.getZoom());
}
const colourIn = (style) => (cellSize() >= 11 ? style.colour : style.flat || style.colour);

function paintClasses(ctx, view, shown, tiles) {
  const withGrid = cellSize() >= 16;
  const paths = classPaths(view, shown.classes, shown.styles.length, tiles);
  const rule = homes.cells ? "evenodd" : "nonzero";
  paths.forEach((path, index) => {
    if (!path) return;
    const style = shown.styles[Math.floor(index / 3)];
    ctx.globalAlpha = shown.toned ? TONES[index % 3] : 0.9;
    ctx.fillStyle = colourIn(style);
    ctx.fill(path, rule);
    if (style.hatch) {
      ctx.fillStyle = hatch(style.hatch, style.ink);
      ctx.fill(path, rule);
    }
    if (!homes.cells) {
      ctx.strokeStyle = "#ffffff"; ctx.lineWidth = 1.1; ctx.stroke(path);
    } else if (withGrid) {
      ctx.strokeStyle = style.line || "#ffffff";
      ctx.lineWidth = Math.min(1.6, 0.5 + cellSize() / 60);
      ctx.stroke(path);
    }
    ctx.globalAlpha = 1;
  });
}

// Square tiles of the canvas in which some homes lie, null where they are most of it: what is drawn
// there anew is as if all were. Borders and circles' edges reach two pixels over a home.
const TILE = 48, OVER = 2, MOST_TILES = 0.5;
function tilesOf(layer, changed) {
  const view = layer._view(), ratio = layer._ratio;
  const wide = Math.ceil(view.width / TILE), high = Math.ceil(view.height / TILE), marked = new Uint8Array(wide * high);
  const spans = new Int32Array(4);
  const spanOf = (h) => {
    const r = homes.box ? OVER : radiusOf(h, view.zoom) + OVER, b = 4 * h;
    const [x0, y0, x1, y1] = homes.box ? [homes.box[b], homes.box[b + 1], homes.box[b + 2], homes.box[b + 3]] : [homes.x[h], homes.y[h], homes.x[h], homes.y[h]];
    spans[0] = Math.max(0, Math.floor((view.px(x0) - view.left - r) / TILE));
    spans[1] = Math.max(0, Math.floor((view.py(y0) - view.top - r) / TILE));
    spans[2] = Math.min(wide - 1, Math.floor((view.px(x1) - view.left + r) / TILE));
    spans[3] = Math.min(high - 1, Math.floor((view.py(y1) - view.top + r) / TILE));
  };
  let count = 0;
  for (const h of changed) {
    spanOf(h);
    for (let y = spans[1]; y <= spans[3]; y++) for (let x = spans[0]; x <= spans[2]; x++) {
      count += 1 - marked[y * wide + x];
      marked[y * wide + x] = 1;
    }
  }
  if (count > MOST_TILES * marked.length) return null;
  const area = new Path2D(), edge = (k) => Math.round(k * TILE * ratio);
  for (let y = 0; y < high; y++) for (let x = 0, from = -1; x <= wide; x++) {
    const on = x < wide && marked[y * wide + x];
    if (on && from < 0) from = x;
    if (!on && from >= 0) { area.rect(edge(from), edge(y), edge(x) - edge(from), edge(y + 1) - edge(y)); from = -1; }
  }
  const touches = (h) => {
    spanOf(h);
    for (let y = spans[1]; y <= spans[3]; y++) for (let x = spans[0]; x <= spans[2]; x++) if (marked[y * wide + x]) return true;
    return false;
  };
  return { view, area, touches };
}

// What the canvas shows: homes that keep their colour from one selection to the next are left as they are.
let painted = null;
const lookOf = (shown) => JSON.stringify([shown.styles, shown.toned, cellSize() >= 11, devicePixelRatio]);
function recolour() {
  const was = painted, now = shownNow, layer = layers.homes;
  if (!was || !now || state.compare || usePixels() || was.tone !== homes.tone || was.look !== lookOf(now)) { layer.redraw(); return; }
  const changed = [];
  for (let h = 0; h < homes.n; h++) if (was.classes[h] !== now.classes[h]) changed.push(h);
  const tiles = changed.length ? tilesOf(layer, changed) : null;
  if (tiles) layer.redrawIn(tiles); else if (changed.length) layer.redraw();
}

let shownNow = null, shownBefore = null;
function paintHomes(ctx, view, tiles) {
  painted = null;
  if (!shownNow) return;
  if (usePixels()) { paintPixels(ctx, view, layers.homes._ratio); return; }
  if (!state.compare || !shownBefore) {
    paintClasses(ctx, view, shownNow, tiles);
    painted = { classes: shownNow.classes, tone: homes.tone, look: lookOf(shownNow) };
    return;
  }
  const split = map.containerPointToLayerPoint([map.getSize().x * state.swipe, 0]).x;
  for (const [shown, left, right] of [[shownBefore, view.left, split], [shownNow, split, view.right]]) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, view.top, right - left, view.height);
    ctx.clip();
    paintClasses(ctx, view, shown);
    ctx.restore();
  }
}

// Which home stands at a point, by a coarse grid over the boxes.
let grid = null;
function buildGrid() {
  const n = 256, cells = new Map();
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  for (let h = 0; h < homes.n; h++) {
    x0 = Math.min(x0, homes.box ? homes.box[4 * h] : homes.x[h]);
    x1 = Math.max(x1, homes.box ? homes.box[4 * h + 2] : homes.x[h]);
    y0 = Math.min(y0, homes.box ? homes.box[4 * h + 1] : homes.y[h]);
    y1 = Math.max(y1, homes.box ? homes.box[4 * h + 3] : homes.y[h]);
  }
  const step = Math.max(x1 - x0, y1 - y0, 1e-9) / n;
  grid = { x0, y0, step, n, cells };
  for (let h = 0; h < homes.n; h++) {
    const box = homes.box ? homes.box.subarray(4 * h, 4 * h + 4) : [homes.x[h], homes.y[h], homes.x[h], homes.y[h]];
    for (let gx = Math.floor((box[0] - x0) / step); gx <= (box[2] - x0) / step; gx++) {
      for (let gy = Math.floor((box[1] - y0) / step); gy <= (box[3] - y0) / step; gy++) {
        const key = gy * 65536 + gx;
        if (cells.has(key)) cells.get(key).push(h); else cells.set(key, [h]);
      }
    }
  }
}

function homeAt(latlng) {
  if (!homes.x) return -1;
  if (!grid) buildGrid();
  const x = mercatorX(latlng.lng * 1e5), y = mercatorY(latlng.lat * 1e5);
  const gx = Math.floor((x - grid.x0) / grid.step), gy = Math.floor((y - grid.y0) / grid.step);
  if (homes.cells) {
    return (grid.cells.get(gy * 65536 + gx) || []).find((h) => drawn(h) && insideHome(h, x, y)) ?? -1;
  }
  const zoom = map.getZoom(), world = 256 * Math.pow(2, zoom);
  let best = -1, nearest = Infinity;
  const reach = Math.ceil(26 / world / grid.step);
  for (let i = gx - reach; i <= gx + reach; i++) {
    for (let j = gy - reach; j <= gy + reach; j++) {
      for (const h of grid.cells.get(j * 65536 + i) || []) {
        const far = Math.hypot(homes.x[h] - x, homes.y[h] - y) * world;
        if (drawn(h) && far <= radiusOf(h, zoom) + 2 && far < nearest) { best = h; nearest = far; }
      }
    }
  }
  return best;
}

const drawn = (h) => !shownNow || shownNow.classes[h] !== NONE;

function insideHome(h, x, y) {
  const b = homes.box, { cells, first } = homes;
  if (x < b[4 * h] || x > b[4 * h + 2] || y < b[4 * h + 1] || y > b[4 * h + 3]) return false;
  let inside = false;
  for (let ring = first[h]; ring < first[h + 1]; ring++) {
    const from = cells.start[ring], end = cells.start[ring + 1];
    for (let i = from, j = end - 1; i < end; j = i++) {
      if ((cells.y[i] > y) !== (cells.y[j] > y)
        && x < (cells.x[j] - cells.x[i]) * (y - cells.y[i]) / (cells.y[j] - cells.y[i]) + cells.x[i]) {
        inside = !inside;
      }
    }
  }
  return inside;
}

function territoryBounds() {
  let west = Infinity, east = -Infinity, north = Infinity, south = -Infinity;
  const take = (x, y) => {
    west = Math.min(west, x); east = Math.max(east, x);
    north = Math.min(north, y); south = Math.max(south, y);
  };
  for (let h = 0; h < homes.n; h++) {
    if (homes.box) { take(homes.box[4 * h], homes.box[4 * h + 1]); take(homes.box[4 * h + 2], homes.box[4 * h + 3]); }
    else take(homes.x[h], homes.y[h]);
  }
  for (const gate of gatePoints) take(gate.x, gate.y);
  return L.latLngBounds(unproject(west, south), unproject(east, north));
}

const unproject = (x, y) => L.latLng(
  (Math.atan(Math.exp(Math.PI * (1 - 2 * y))) * 2 - Math.PI / 2) * 180 / Math.PI, x * 360 - 180);
