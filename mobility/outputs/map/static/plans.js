// Shuttles: lines, stops with timetables, the frontier, and a day of vehicles.
// Colours of the written GTFS; lines beyond them are dashed, shorter at each turn.
const DASHES = [[], [14, 6], [5, 5], [14, 5, 3, 5]];
const plan = { index: -1, lines: [], runs: [], order: [], shared: new Map() };

async function loadPlan() {
  if (!manifest.plans.length) return;
  if (!(state.plan >= 0 && state.plan < manifest.plans.length)) state.plan = 0;
  if (plan.index === state.plan) return;
  const known = manifest.plans[state.plan];
  const [lines, runs] = await Promise.all([jsonOf(known.lines), jsonOf(known.runs)]);
  plan.index = state.plan;
  plan.lines = lines.map((line) => ({ name: line.name, path: measured(pathOfFlat(line.path)),
    stops: line.stops.map(([name, lon, lat, riders]) => ({ name, riders, x: mercatorX(lon), y: mercatorY(lat) })) }));
  plan.order = plan.lines.map((line, i) => i).sort((a, b) => naturally(plan.lines[a].name, plan.lines[b].name));
  plan.shared = sharedPieces();
  plan.runs = runs.map((run) => {
    const path = run.path ? measured(pathOfFlat(run.path)) : plan.lines[run.line].path;
    if (!run.stops.length) return { ...run, path, at: [0, path.far[path.far.length - 1]] };
    return { ...run, path, at: alongPath(path, run.stops.map((s) => plan.lines[run.line].stops[s])) };
  });
}

function measured(path) {
  const far = path.far = new Float64Array(path.x.length);
  for (let i = 1; i < far.length; i++) {
    far[i] = far[i - 1] + Math.hypot(path.x[i] - path.x[i - 1], path.y[i] - path.y[i - 1]);
  }
  return path;
}

// Where each call stands on the path: the nearest vertex, in running order.
function alongPath(path, calls) {
  const nearest = (stop) => {
    let best = 0, least = Infinity;
    for (let i = 0; i < path.x.length; i++) {
      const d = Math.hypot(path.x[i] - stop.x, path.y[i] - stop.y);
      if (d < least) { least = d; best = i; }
    }
    return path.far[best];
  };
  return calls.map(nearest);
}

function placeOn(path, far) {
  let low = 0, high = path.far.length - 1;
  while (high - low > 1) {
    const mid = (low + high) >> 1;
    if (path.far[mid] <= far) low = mid; else high = mid;
  }
  const span = path.far[high] - path.far[low];
  const part = span > 0 ? (far - path.far[low]) / span : 0;
  return [path.x[low] + part * (path.x[high] - path.x[low]), path.y[low] + part * (path.y[high] - path.y[low])];
}

const colourOf = (line) => manifest.colours[line % manifest.colours.length];
const dashOf = (line) => DASHES[Math.floor(line / manifest.colours.length) % DASHES.length];

// A line in a list, as it is drawn.
function lineSwatch(line) {
  const box = el("canvas", { class: "mb-swatch mb-line", width: 40, height: 12, "aria-hidden": "true" });
  const ctx = box.getContext("2d");
  ctx.strokeStyle = colourOf(line); ctx.lineWidth = 8;
  ctx.setLineDash(dashOf(line));
  ctx.beginPath(); ctx.moveTo(0, 6); ctx.lineTo(40, 6); ctx.stroke();
  return box;
}

// Pieces that lines share are drawn side by side: for each piece the lines on it, in order.
const pieceOf = (path, i) => {
  const a = path.x[i] + "," + path.y[i], b = path.x[i + 1] + "," + path.y[i + 1];
  return a < b ? [a + "/" + b, 1] : [b + "/" + a, -1];
};

function sharedPieces() {
  const shared = new Map();
  for (const line of plan.order) {
    const { path } = plan.lines[line];
    for (let i = 0; i + 1 < path.x.length; i++) {
      const [key] = pieceOf(path, i), known = shared.get(key);
      if (!known) shared.set(key, [line]); else if (!known.includes(line)) known.push(line);
    }
  }
  return shared;
}

function traceBeside(ctx, view, line) {
  const { path } = plan.lines[line];
  ctx.beginPath();
  for (let i = 0; i + 1 < path.x.length; i++) {
    const [key, way] = pieceOf(path, i), beside = plan.shared.get(key);
    const ax = view.px(path.x[i]), ay = view.py(path.y[i]), bx = view.px(path.x[i + 1]), by = view.py(path.y[i + 1]);
    const long = Math.hypot(bx - ax, by - ay) || 1, off = (beside.indexOf(line) - (beside.length - 1) / 2) * 5 * way;
    const ox = -(by - ay) / long * off, oy = (bx - ax) / long * off;
    if (i && !ox && !oy && beside.length === 1 && !plan.bent) ctx.lineTo(bx, by);
    else { ctx.moveTo(ax + ox, ay + oy); ctx.lineTo(bx + ox, by + oy); }
    plan.bent = Boolean(ox || oy);
  }
}

function paintPlan(ctx, view) {
  if (!state.layers.shuttles || plan.index < 0) return;
  ctx.lineCap = ctx.lineJoin = "round";
  for (const i of plan.order) { traceBeside(ctx, view, i); ctx.strokeStyle = "#ffffff"; ctx.lineWidth = 7; ctx.stroke(); }
  for (const i of plan.order) {
    traceBeside(ctx, view, i);
    ctx.lineCap = dashOf(i).length ? "butt" : "round";
    ctx.setLineDash(dashOf(i));
    ctx.strokeStyle = colourOf(i); ctx.lineWidth = 4; ctx.stroke();
    ctx.setLineDash([]);
  }
  plan.lines.forEach((line, i) => {
    for (const stop of line.stops) {
      ctx.beginPath();
      ctx.arc(view.px(stop.x), view.py(stop.y), 5, 0, 6.2832);
      ctx.fillStyle = "#ffffff"; ctx.fill();
      ctx.strokeStyle = colourOf(i); ctx.lineWidth = 2.6; ctx.stroke();
    }
  });
}

function paintPlanLabels(ctx, view, taken) {
  if (!state.layers.shuttles || plan.index < 0) return;
  for (const i of plan.order) labelPath(ctx, view, plan.lines[i].path, 0, plan.lines[i].name, colourOf(i), taken);
}

function planLineAt(latlng) {
  if (!state.layers.shuttles || plan.index < 0) return -1;
  const point = map.latLngToLayerPoint(latlng);
  let best = -1, least = 7;
  for (const i of plan.order) {
    const far = pathDistance(plan.lines[i].path, 0, point);
    if (far < least) { least = far; best = i; }
  }
  return best;
}

// A line: each of its stops, its riders, and when each vehicle calls there.
function openPlanLine(i) {
  const line = plan.lines[i], runs = runsToday().filter((run) => run.line === i && run.dir !== "empty");
  const table = (title, dir) => {
    const mine = runs.filter((run) => run.dir === dir).sort((a, b) => a.times[0] - b.times[0]);
    if (!mine.length) return null;
    const called = line.stops.map((stop, s) => s).filter((s) => mine.some((run) => run.stops.includes(s)));
    if (dir === "out") called.reverse();
    return el("div", { class: "mb-wide" }, el("table", { class: "mb-ways" }, el("caption", {}, t(title) + " – " + dayName(state.day)),
      el("tbody", {}, called.map((s) => el("tr", {}, el("th", { scope: "row" }, line.stops[s].name),
        mine.map((run) => el("td", {}, run.stops.includes(s) ? clock(run.times[run.stops.indexOf(s)]) : "")))),
      el("tr", {}, el("th", { scope: "row" }, t("On board at most")), mine.map((run) => el("td", {}, number(Math.max(0, ...run.riders))))))));
  };
  const riders = line.stops.reduce((sum, stop) => sum + (stop.riders || 0), 0);
  const mid = line.path.x.length >> 1;
  popup(unproject(line.path.x[mid], line.path.y[mid]), [el("h3", {}, lineSwatch(i), line.name),
    el("p", { class: "mb-pop-sub" }, t("{stops} stops · on and off a day: {n}", { stops: number(line.stops.filter((stop) => stop.riders !== null).length), n: number(riders) })),
    table("To the gate", "in"), table("From the gate", "out")]);
}

const runsToday = () => {
  const kind = manifest.days[state.day].kind;
  return plan.runs.filter((run) => !run.days.length || run.days.includes(kind));
};

// Vehicles at the clock: [run, x, y, riders].
function vehiclesAt(second) {
  const found = [];
  for (const run of runsToday()) {
    for (const now of [second, second + 86400]) {
      const last = run.times.length - 1;
      if (now < run.times[0] || now > run.times[last]) continue;
      let leg = 0;
      while (leg < last - 1 && run.times[leg + 1] <= now) leg++;
      const span = run.times[leg + 1] - run.times[leg];
      const part = span > 0 ? (now - run.times[leg]) / span : 1;
      const far = run.at[leg] + part * (run.at[leg + 1] - run.at[leg]);
      found.push([run, ...placeOn(run.path, far), run.riders[leg] || 0]);
    }
  }
  return found;
}

// Shifts of this kind of day that start or end within a quarter of an hour.
function edgesNear(second) {
  const near = (edge) => Math.abs(((edge - second) % 86400 + 129600) % 86400 - 43200) <= 900;
  const found = [];
  for (const [index, shift] of manifest.shifts.entries()) {
    const site = manifest.rosters[shift.roster].site;
    if (!zoneRows.has([index, state.day].join("/"))) continue;
    for (const edge of [shift.start, shift.end]) {
      if (near(edge) && !found.some((f) => f[0] === site)) found.push([site, edge]);
    }
  }
  return found;
}

// An empty canvas is laid on the map too: better none.
function showVehicles() {
  const pane = map.getPane("mb-vehicles"), on = state.clock >= 0;
  pane.style.display = on ? "" : "none";
  if (on) layers.vehicles.redraw();
}

function paintVehicles(ctx, view) {
  if (state.clock < 0 || plan.index < 0 || !state.layers.shuttles) return;
  for (const [site] of edgesNear(state.clock)) {
    for (const gate of gatePoints.filter((g) => g.site === site)) {
      ctx.beginPath();
      ctx.arc(view.px(gate.x), view.py(gate.y), 20, 0, 6.2832);
      ctx.strokeStyle = "#b3261e"; ctx.lineWidth = 3; ctx.stroke();
    }
  }
  for (const [run, x, y, riders] of vehiclesAt(state.clock)) {
    const px = view.px(x), py = view.py(y), empty = run.dir === "empty";
    ctx.beginPath();
    ctx.arc(px, py, empty ? 7 : 8 + Math.min(8, Math.sqrt(riders)), 0, 6.2832);
    ctx.fillStyle = empty ? "#ffffff" : colourOf(run.line); ctx.fill();
    ctx.strokeStyle = empty ? colourOf(run.line) : "#ffffff"; ctx.lineWidth = 2.5; ctx.stroke();
    ctx.font = "700 11px " + FONT;
    ctx.textAlign = "center"; ctx.textBaseline = "middle";
    ctx.fillStyle = empty ? colourOf(run.line) : "#ffffff";
    ctx.fillText(empty ? "" : (run.dir === "in" ? "▸" : "◂") + (riders > 0 ? riders : ""), px, py);
  }
}

// The lines that call at the stop drawn there, each with its number of the stop.
function planStopAt(far) {
  if (!state.layers.shuttles || plan.index < 0) return null;
  const all = plan.lines.flatMap((known, line) => known.stops.map((place, stop) => ({ line, stop, place })));
  const first = all.find(({ place }) => far(place.x, place.y) < 9);
  return first ? all.filter(({ place }) => place.x === first.place.x && place.y === first.place.y) : null;
}

function openPlanStop(halts) {
  const calls = halts.flatMap(({ line, stop }) => runsToday()
    .filter((run) => run.line === line && run.dir !== "empty" && run.stops.includes(stop))
    .map((run) => ({ run, at: run.times[run.stops.indexOf(stop)] })));
  const rows = calls.sort((a, b) => a.at % 86400 - b.at % 86400)
    .map(({ run, at }) => el("tr", {}, el("th", { scope: "row" }, clock(at)),
      halts.length > 1 ? el("td", {}, lineSwatch(run.line), plan.lines[run.line].name) : null,
      el("td", {}, t(run.dir === "in" ? "to the gate at {to}" : "from the gate at {to}",
        { to: clock(run.dir === "in" ? run.times[run.times.length - 1] : run.times[0]) })),
      el("td", {}, t("vehicle {n}", { n: run.vehicle + 1 }))));
  const { place } = halts[0];
  popup(unproject(place.x, place.y), [el("h3", {}, place.name),
    ...halts.map(({ line, place: { riders } }) => el("p", { class: "mb-pop-sub" }, lineSwatch(line), plan.lines[line].name
      + (riders === null ? "" : " · " + t("on and off a day: {n}", { n: countText(riders) })))),
    el("table", { class: "mb-ways" }, el("caption", {}, t("Timetable") + " – " + dayName(state.day)), el("tbody", {}, rows))]);
}

// The frontier: jobs gained against cost, one point per plan.
function showPlans() {
  const box = document.getElementById("mb-plans");
  const paper = Boolean(document.body.dataset.layout);
  box.hidden = !manifest.plans.length || (paper && !state.layers.shuttles);
  if (box.hidden) return;
  if (state.layers.shuttles || paper) document.getElementById("mb-plans-fold").open = true;
  const known = manifest.plans[state.plan];
  document.getElementById("mb-plan").setAttribute("aria-valuetext", planName(known));
  document.getElementById("mb-plan").value = state.plan;
  document.getElementById("mb-frontier").replaceChildren(frontier());
  const rows = [[t("Jobs whose whole roster is gained"), number(known.workers)],
    [t("Cost a year"), euros(known.cost)], [t("Vehicles"), number(known.vehicles)],
    [t("Vehicle-km a year"), number(known.km)],
    ...known.facts.map(([label, value]) => [t(label), /^-?\d+(\.\d+)?$/.test(value)
      ? number(Number(value)) : value])];
  document.getElementById("mb-plan-facts").replaceChildren(el("h3", {}, planName(known)), el("dl", { class: "mb-list" },
    rows.map(([label, value]) => el("div", { class: "mb-row" }, el("dt", {}, label), el("dd", {}, value)))),
  known.scenario === null && manifest.scenarios.length > 1 ? el("p", { class: "mb-note" }, t(plan.lines.length && state.layers.shuttles
    ? "The map shows the present: this plan is drawn, not evaluated." : "The map shows the present: this plan is not evaluated.")) : "",
  known.told ? el("p", { class: "mb-note" }, t("Told first: up to this plan each further euro still brings as much as on average; beyond it, less.")) : "",
  el("ul", { class: "mb-lines" }, plan.order.map((i) => el("li", {}, el("button", { type: "button", class: "mb-small",
    onclick: () => { showShuttles(); openPlanLine(i); } }, lineSwatch(i), plan.lines[i].name)))));
}

function frontier() {
  const space = "http://www.w3.org/2000/svg", wide = 280, high = 120;
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", t("Frontier: jobs gained against cost a year"));
  const most = { cost: Math.max(...manifest.plans.map((p) => p.cost), 1), workers: Math.max(...manifest.plans.map((p) => p.workers), 1) };
  const x = (p) => 34 + p.cost / most.cost * (wide - 48), y = (p) => high - 24 - p.workers / most.workers * (high - 38);
  const add = (tag, attributes, text) => {
    const node = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    svg.append(node);
  };
  add("path", { d: `M34 8V${high - 24}H${wide - 8}`, fill: "none", stroke: "#8b959c" });
  const order = [...manifest.plans].sort((a, b) => a.cost - b.cost);
  add("polyline", { points: order.map((p) => `${x(p)},${y(p)}`).join(" "), fill: "none", stroke: "#2d7fa8", "stroke-width": 1.5 });
  manifest.plans.forEach((p, i) => add("circle", { cx: x(p), cy: y(p), r: i === state.plan ? 7 : 4,
    fill: i === state.plan ? "#b3261e" : "#2d7fa8", stroke: "#ffffff", "stroke-width": 1.5 }));
  add("text", { x: wide - 8, y: high - 8, "text-anchor": "end" }, t("€ a year: {n}", { n: number(most.cost) }));
  if (toldPlan >= 0) {
    const p = manifest.plans[toldPlan], left = x(p) > wide / 2;
    add("text", { x: x(p) + (left ? -9 : 9), y: y(p) + 12, "text-anchor": left ? "end" : "start", "font-weight": 700 }, t("told"));
  }
  add("text", { x: 38, y: 14 }, t("jobs gained: {n}", { n: number(most.workers) }));
  return svg;
}

function showShuttles() {
  if (state.layers.shuttles) return;
  state.layers.shuttles = true;
  document.getElementById("mb-layer-shuttles").checked = true;
  layers.top.redraw();
}

// The clock of the day.
let ticking = 0;
function showClock() {
  const on = state.clock >= 0;
  document.getElementById("mb-clock-value").textContent = on ? clock(state.clock) : "--:--";
  document.getElementById("mb-clock").value = on ? Math.round(state.clock / 60) : 0;
  document.getElementById("mb-clock").setAttribute("aria-valuetext", on ? clock(state.clock) : "");
  const status = document.getElementById("mb-clock-status");
  if (!on) { status.textContent = ""; return; }
  const vehicles = vehiclesAt(state.clock);
  const aboard = vehicles.reduce((sum, v) => sum + v[3], 0);
  const edges = edgesNear(state.clock).map(([site, edge]) => t("hand-over {at} at {site}", { at: clock(edge), site: manifest.sites[site].name }));
  status.textContent = [dayName(state.day), t("vehicles on the road: {n}, riders: {m}", { n: vehicles.length, m: aboard }), ...edges].join(" · ");
}

function play() {
  const button = document.getElementById("mb-play");
  if (ticking) {
    cancelAnimationFrame(ticking);
    ticking = 0;
    button.textContent = "▶";
    button.dataset.tLabel = "Play the day";
    translatePage();
    saveAddress();
    return;
  }
  button.textContent = "❚❚";
  button.dataset.tLabel = "Pause";
  translatePage();
  if (state.clock < 0) state.clock = 4 * 3600;
  showShuttles();
  let last = performance.now();
  const tick = (now) => {
    state.clock = (state.clock + (now - last) * 0.9) % 86400;
    last = now;
    showClock();
    showVehicles();
    ticking = requestAnimationFrame(tick);
  };
  ticking = requestAnimationFrame(tick);
}

function showShiftMarks() {
  const mine = manifest.shifts.filter((s) => manifest.rosters[s.roster].site === state.site);
  const marks = mine.flatMap((s) => [s.start, s.end]).filter((v, i, all) => all.indexOf(v) === i);
  document.getElementById("mb-marks").replaceChildren(...marks.map((s) => el("span",
    { style: "left:" + (s % 86400) / 864 + "%" }, clock(s).slice(0, 2) + NARROW + "h")));
}
