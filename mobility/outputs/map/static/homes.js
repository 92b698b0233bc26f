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

// Homes of each class and tone inside the view, as paths; class 255 is not drawn.
function classPaths(view, classes, n) {
  const paths = Array.from({ length: 3 * n }, () => null);
  const pathOf = (h) => {
    const index = 3 * classes[h] + homes.tone[h];
    return paths[index] || (paths[index] = new Path2D());
  };
  const { world, ox, oy } = view;
  const { cells, first, box } = homes;
  for (let h = 0; h < homes.n; h++) {
    const c = classes[h];
    if (c >= n) continue;
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

function paintClasses(ctx, view, shown) {
  const withGrid = cellSize() >= 16;
  const paths = classPaths(view, shown.classes, shown.styles.length);
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

let shownNow = null, shownBefore = null;
function paintHomes(ctx, view) {
  if (!shownNow) return;
  if (usePixels()) { paintPixels(ctx, view, layers.homes._ratio); return; }
  if (!state.compare || !shownBefore) {
    paintClasses(ctx, view, shownNow);
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
