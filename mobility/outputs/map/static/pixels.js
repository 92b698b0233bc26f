// Many homes: each pixel of the view remembers its home, and a selection only changes colours.
const MANY = 30000;
const usePixels = () => (homes.cells ? homes.cells.x.length : 4 * homes.n) > MANY;
const pixels = { key: "", ids: null, image: null, wide: 0, high: 0, workers: null };

// Which home each pixel shows: 0 none, else home + 1; the edge of a circle is no home's.
const EDGE = homes.n + 1, NO_CLASS = 255, EDGE_CLASS = 254;
function homePixels(view, ratio) {
  const wide = Math.round(view.width * ratio), high = Math.round(view.height * ratio);
  const key = [view.zoom, view.ox, view.oy, view.left, view.top, wide, high].join("/");
  const workers = homes.cells ? null : homes.workers;
  if (pixels.key === key && pixels.workers === workers) return;
  if (pixels.wide !== wide || pixels.high !== high) {
    Object.assign(pixels, { wide, high, ids: new Uint32Array(wide * high), image: new ImageData(wide, high) });
  } else pixels.ids.fill(0);
  Object.assign(pixels, { key, workers });
  if (!homes.cells) { fillCircles(view, ratio); return; }
  const { cells, first, box } = homes, scale = view.world * ratio;
  const ox = (view.ox + view.left) * ratio, oy = (view.oy + view.top) * ratio;
  for (let h = 0; h < homes.n; h++) {
    const b = 4 * h;
    if (box[b + 2] < view.minX || box[b] > view.maxX || box[b + 3] < view.minY || box[b + 1] > view.maxY) continue;
    const from = cells.start[first[h]], to = cells.start[first[h + 1]];
    const rows = [Math.max(0, Math.ceil(box[b + 1] * scale - oy - 0.5)),
      Math.min(high - 1, Math.floor(box[b + 3] * scale - oy - 0.5))];
    if (rows[1] < rows[0] || (box[b + 2] - box[b]) * scale < 1) {
      const px = Math.floor(box[b] * scale - ox), py = Math.floor(box[b + 1] * scale - oy);
      if (px >= 0 && px < wide && py >= 0 && py < high) pixels.ids[py * wide + px] = h + 1;
      continue;
    }
    fillRows(h, from, to, rows, scale, ox, oy);
  }
}

// Circles with a white edge, the large ones below.
function fillCircles(view, ratio) {
  const scale = view.world * ratio, ox = (view.ox + view.left) * ratio, oy = (view.oy + view.top) * ratio;
  const { ids, wide, high } = pixels, { workers } = homes;
  const order = Uint32Array.from(workers, (_, h) => h).sort((a, b) => workers[b] - workers[a]);
  for (const h of order) {
    const cx = homes.x[h] * scale - ox, cy = homes.y[h] * scale - oy;
    const outer = (radiusOf(h, view.zoom) + 0.5) * ratio, inner = outer - Math.min(1.1 * ratio, 0.2 * outer);
    if (!workers[h] || cx < -outer || cx > wide + outer || cy < -outer || cy > high + outer) continue;
    const bottom = Math.min(high - 1, Math.floor(cy + outer - 0.5));
    for (let row = Math.max(0, Math.ceil(cy - outer - 0.5)); row <= bottom; row++) {
      const dy = row + 0.5 - cy;
      for (const [radius, id] of [[outer, EDGE], [inner, h + 1]]) {
        const half = Math.sqrt(radius * radius - dy * dy);
        if (!(half > 0)) continue;
        const left = Math.max(0, Math.ceil(cx - half - 0.5)), right = Math.min(wide, Math.ceil(cx + half - 0.5));
        if (right > left) ids.fill(id, row * wide + left, row * wide + right);
      }
    }
  }
}

// Even-odd fill, a row of pixels at a time; rings end where the next one starts.
const crossings = [];
function fillRows(h, from, to, [top, bottom], scale, ox, oy) {
  const { cells, first } = homes, { ids, wide } = pixels;
  for (let row = top; row <= bottom; row++) {
    const y = (row + 0.5 + oy) / scale;
    crossings.length = 0;
    for (let ring = first[h]; ring < first[h + 1]; ring++) {
      const begin = cells.start[ring], end = cells.start[ring + 1];
      for (let i = begin, j = end - 1; i < end; j = i++) {
        if ((cells.y[i] > y) !== (cells.y[j] > y)) {
          crossings.push(cells.x[i] + (y - cells.y[i]) * (cells.x[j] - cells.x[i]) / (cells.y[j] - cells.y[i]));
        }
      }
    }
    if (crossings.length > 2) crossings.sort((a, b) => a - b);
    else if (crossings[0] > crossings[1]) crossings.reverse();
    for (let c = 0; c + 1 < crossings.length; c += 2) {
      const left = Math.max(0, Math.ceil(crossings[c] * scale - ox - 0.5));
      const right = Math.min(wide, Math.ceil(crossings[c + 1] * scale - ox - 0.5));
      if (right > left) ids.fill(h + 1, row * wide + left, row * wide + right);
    }
  }
}

// Colours by class, tone and place in the hatch: 64 pixels a class and tone.
const probe = document.createElement("canvas");
probe.width = probe.height = 8;
function palette(shown) {
  const ctx = probe.getContext("2d", { willReadFrequently: true });
  const colours = new Uint32Array(256 * 3 * 64);
  shown.styles.forEach((style, c) => {
    ctx.clearRect(0, 0, 8, 8);
    ctx.fillStyle = colourIn(style);
    ctx.fillRect(0, 0, 8, 8);
    if (style.hatch) { ctx.fillStyle = hatch(style.hatch, style.ink); ctx.fillRect(0, 0, 8, 8); }
    const tile = new Uint32Array(ctx.getImageData(0, 0, 8, 8).data.buffer);
    for (let tone = 0; tone < 3; tone++) {
      const alpha = Math.round(255 * (shown.toned ? TONES[tone] : 0.9)) << 24;
      for (let p = 0; p < 64; p++) colours[(c * 3 + tone) * 64 + p] = (tile[p] & 0xffffff) | alpha;
    }
  });
  colours.fill(0xe6ffffff, EDGE_CLASS * 192, (EDGE_CLASS + 1) * 192);
  return colours;
}

function colourPixels(shown, fromX, toX) {
  const { ids, wide, high, image } = pixels, out = new Uint32Array(image.data.buffer);
  const colours = palette(shown), place = new Uint32Array(homes.n + 2);
  for (let h = 0; h < homes.n; h++) place[h + 1] = (shown.classes[h] * 3 + homes.tone[h]) * 64;
  place[0] = NO_CLASS * 192;
  place[EDGE] = (shown.styles.length ? EDGE_CLASS : NO_CLASS) * 192;
  for (let y = 0; y < high; y++) {
    const row = (y & 7) << 3;
    for (let x = fromX, i = y * wide + fromX; x < toX; x++, i++) out[i] = colours[place[ids[i]] + (row | (x & 7))];
  }
  // Large cells keep their outline.
  if (!homes.cells || cellSize() < 12) return;
  for (let y = 1; y < high; y++) {
    for (let x = Math.max(1, fromX), i = y * wide + x; x < toX; x++, i++) {
      if (ids[i] && (ids[i] !== ids[i - 1] || ids[i] !== ids[i - wide])) out[i] = 0xd9ffffff;
    }
  }
}

function paintPixels(ctx, view, ratio) {
  homePixels(view, ratio);
  if (state.compare && shownBefore) {
    const split = map.containerPointToLayerPoint([map.getSize().x * state.swipe, 0]).x;
    const middle = Math.round(Math.min(Math.max(0, (split - view.left) * ratio), pixels.wide));
    colourPixels(shownBefore, 0, middle);
    colourPixels(shownNow, middle, pixels.wide);
  } else colourPixels(shownNow, 0, pixels.wide);
  ctx.putImageData(pixels.image, 0, 0);
}
