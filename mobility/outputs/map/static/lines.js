// Existing lines, by their trips around the shift; outlines of travel time.
const lines = { n: 0, names: [], paths: null };
const EDGE_MIN = 75; // a trip counts if it is on the road within these minutes of the shift's edge

async function loadLines() {
  const known = manifest.lines;
  if (lines.paths || !known.names.length) return;
  const [paths, counts, start, lasts] = await Promise.all([pathsOf(known.paths), intsOf(known.counts), intsOf(known.start), intsOf(known.lasts)]);
  const first = new Int32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) first[i + 1] = first[i] + counts[i];
  Object.assign(lines, { n: known.names.length, names: known.names, first, start, lasts, paths });
}

// Minutes at which the trips of a line start on a day, and how long each lasts.
function tripsOf(line, day) {
  const row = line * manifest.days.length + day, from = lines.first[row], to = lines.first[row + 1];
  return { start: lines.start.subarray(from, to), lasts: lines.lasts.subarray(from, to) };
}

// The edges of what is selected, in minutes: [before which one comes, after which one leaves].
function edgesShown() {
  const shifts = isRoster() ? shiftsOf(pickIndex()) : [pickIndex()];
  return shifts.flatMap((s) => [[manifest.shifts[s].start / 60, -1], [manifest.shifts[s].end / 60, 1]]);
}

// Trips on the road in the minutes before (-1) or after (1) an edge, whatever the day they belong to.
function tripsNear(line, day, edge, side) {
  const { start, lasts } = tripsOf(line, day), from = side < 0 ? edge - EDGE_MIN : edge, to = from + EDGE_MIN;
  let n = 0;
  for (let i = 0; i < start.length; i++) {
    for (const turn of [0, 1440]) if (start[i] < to + turn && start[i] + lasts[i] > from + turn) { n++; break; }
  }
  return n;
}

// The least of all edges: a line helps a roster only where it runs at each.
const leastTrips = (line) => Math.min(...edgesShown().map(([edge, side]) => tripsNear(line, state.day, edge, side)));

function paintLines(ctx, view) {
  ctx.lineCap = ctx.lineJoin = "round";
  for (let line = 0; line < lines.n; line++) {
    const trips = leastTrips(line);
    ctx.beginPath();
    tracePath(ctx, view, lines.paths, line, false);
    ctx.setLineDash(trips ? [] : [3, 5]);
    ctx.strokeStyle = trips ? "#6a3d9a" : "#8d8a94";
    ctx.lineWidth = trips ? 1.4 + Math.min(4, Math.sqrt(trips)) : 1.2;
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

const naturally = (a, b) => a.localeCompare(b, language, { numeric: true });

function paintLineLabels(ctx, view, taken) {
  const order = Array.from({ length: lines.n }, (_, i) => i)
    .sort((a, b) => leastTrips(b) - leastTrips(a) || naturally(lines.names[a], lines.names[b]));
  for (const line of order) labelPath(ctx, view, lines.paths, line, lines.names[line], leastTrips(line) ? "#6a3d9a" : "#6b6873", taken);
}

// A name on its path, at the first of a few places where it hides no other.
function labelPath(ctx, view, paths, p, name, colour, taken) {
  const from = paths.start[p], n = paths.start[p + 1] - from;
  ctx.font = "700 11px " + FONT;
  const wide = ctx.measureText(name).width / 2 + 5;
  for (const part of [0.5, 0.3, 0.7, 0.15, 0.85]) {
    const at = (n - 1) * part, i = from + Math.floor(at), j = Math.min(i + 1, from + n - 1), rest = at - Math.floor(at);
    const x = view.px(paths.x[i] + rest * (paths.x[j] - paths.x[i])), y = view.py(paths.y[i] + rest * (paths.y[j] - paths.y[i]));
    const box = [x - wide, y - 9, x + wide, y + 9];
    if (x < view.left || x > view.right || y < view.top || y > view.bottom) continue;
    if (taken.some((o) => box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1])) continue;
    taken.push(box);
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.roundRect(box[0], box[1], 2 * wide, 18, 4);
    ctx.fill();
    ctx.strokeStyle = "#ffffff"; ctx.lineWidth = 1.2; ctx.stroke();
    ctx.fillStyle = "#ffffff"; ctx.textAlign = "center"; ctx.textBaseline = "middle";
    ctx.fillText(name, x, y + 0.5);
    return;
  }
}

// Pixels from a point of the map to a path.
function pathDistance(paths, p, point) {
  const origin = map.getPixelOrigin(), world = 256 * Math.pow(2, map.getZoom());
  let least = Infinity;
  for (let i = paths.start[p]; i + 1 < paths.start[p + 1]; i++) {
    const ax = paths.x[i] * world - origin.x, ay = paths.y[i] * world - origin.y;
    const dx = paths.x[i + 1] * world - origin.x - ax, dy = paths.y[i + 1] * world - origin.y - ay;
    const long = dx * dx + dy * dy, part = long ? Math.min(1, Math.max(0, ((point.x - ax) * dx + (point.y - ay) * dy) / long)) : 0;
    least = Math.min(least, Math.hypot(ax + part * dx - point.x, ay + part * dy - point.y));
  }
  return least;
}

function lineAt(latlng) {
  if (!state.layers.lines || !lines.paths) return -1;
  const point = map.latLngToLayerPoint(latlng);
  let best = -1, least = 7;
  for (let line = 0; line < lines.n; line++) {
    const far = pathDistance(lines.paths, line, point) - Math.min(1, leastTrips(line));
    if (far < least) { least = far; best = line; }
  }
  return best;
}

// First, last and headway of a line, and its trips around each edge of the shift.
function openLine(line) {
  const minute = (m) => clock(60 * m), days = manifest.days.map((d, i) => i);
  const rows = days.map((day) => {
    const { start } = tripsOf(line, day), sorted = [...start].sort((a, b) => a - b);
    return el("tr", {}, el("th", { scope: "row" }, dayName(day)), el("td", {}, number(sorted.length)),
      el("td", {}, sorted.length ? minute(sorted[0]) : "–"), el("td", {}, sorted.length ? minute(sorted[sorted.length - 1]) : "–"));
  });
  const near = edgesShown().map(([edge, side]) => {
    const n = tripsNear(line, state.day, edge, side);
    return el("tr", {}, el("th", { scope: "row" }, t(side < 0 ? "before {at}" : "after {at}", { at: minute(edge) })),
      el("td", {}, n ? number(n) : t("none")), el("td", {}, n > 1 ? t("every {n} min", { n: Math.round(EDGE_MIN / n) }) : ""));
  });
  const path = lines.paths, mid = (path.start[line] + path.start[line + 1]) >> 1;
  popup(unproject(path.x[mid], path.y[mid]), [el("h3", {}, t("Line {name}", { name: lines.names[line] })),
    el("table", { class: "mb-ways" }, el("caption", {}, t("Trips, both ways together")), el("thead", {}, el("tr", {}, ["", "Trips", "First", "Last"]
      .map((head) => el("th", { scope: "col" }, head && t(head))))), el("tbody", {}, rows)),
    el("table", { class: "mb-ways" }, el("caption", {}, t("On the road within {n} min of the shift, {day}", { n: EDGE_MIN, day: dayName(state.day) })),
      el("tbody", {}, near))]);
}

// Outlines of the cells within 30, 45 and 60 min: what the cells say, no other computation.
const ISO = [[60, "#9a5414", 1.6], [45, "#5b2a86", 2.2], [30, "#0b3c5d", 3]];
let isoOf = null;
async function loadIsochrones() {
  const [out, back] = await ways(state.scenario);
  isoOf = out ? (state.direction === "out" ? out : state.direction === "back" ? back : longest(out, back)) : null;
}

function paintIsochrones(ctx, view) {
  if (!isoOf || !homes.cells) return;
  const { cells, first } = homes, most = manifest.limits.max_total_min || 60;
  for (const [minutes, colour, width] of ISO) {
    if (minutes > most) continue;
    const edges = new Map();
    for (let h = 0; h < homes.n; h++) {
      if (isoOf[h] > minutes) continue;
      for (let ring = first[h]; ring < first[h + 1]; ring++) {
        const from = cells.start[ring], end = cells.start[ring + 1];
        for (let i = from, j = end - 1; i < end; j = i++) {
          // Corners of neighbours may differ by a metre: 5 m tell two sides apart.
          const a = Math.round(cells.x[i] * 8e6) * 16777216 + Math.round(cells.y[i] * 8e6), b = Math.round(cells.x[j] * 8e6) * 16777216 + Math.round(cells.y[j] * 8e6);
          const key = a < b ? a + "/" + b : b + "/" + a;
          if (edges.has(key)) edges.set(key, null); else edges.set(key, [i, j]);
        }
      }
    }
    ctx.beginPath();
    for (const edge of edges.values()) {
      if (!edge) continue;
      ctx.moveTo(view.px(cells.x[edge[0]]), view.py(cells.y[edge[0]]));
      ctx.lineTo(view.px(cells.x[edge[1]]), view.py(cells.y[edge[1]]));
    }
    ctx.strokeStyle = "#ffffff"; ctx.lineWidth = width + 2; ctx.stroke();
    ctx.strokeStyle = colour; ctx.lineWidth = width; ctx.stroke();
  }
}
