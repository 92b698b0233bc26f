// The selection, and the rows of the manifest it points to.
const state = { site: 0, pick: "s0", day: 0, direction: "both", mode: 0, measure: "holds",
  scenario: 0, plan: 0, area: -1, group: 0, compare: false, swipe: 0.5, clock: -1,
  layers: { background: true, stops: false, shuttles: false, labels: true } };

const keyRows = new Map(manifest.keys.map((key, row) => [key.join("/"), row]));
const zoneRows = new Map(manifest.zones.map((key, row) => [key.join("/"), row]));
const nModes = manifest.modes.length;

const isRoster = () => state.pick[0] === "r";
const pickIndex = () => Number(state.pick.slice(1));
const rosterOf = (pick) => (pick[0] === "r" ? Number(pick.slice(1))
  : manifest.shifts[Number(pick.slice(1))].roster);
const shiftsOf = (roster) => manifest.shifts.map((s, i) => i)
  .filter((i) => manifest.shifts[i].roster === roster);

// Row of the minutes, or undefined when the shift does not work on that kind of day.
function keyRow(pick = state.pick, day = state.day, mode = state.mode) {
  const index = Number(pick.slice(1));
  if (pick[0] === "r") return manifest.keys.length + index * nModes + mode;
  return keyRows.get([index, day, mode].join("/"));
}

function zoneRow(pick = state.pick, day = state.day) {
  const index = Number(pick.slice(1));
  if (pick[0] === "r") return manifest.zones.length + index;
  return zoneRows.get([index, day].join("/"));
}

const daysOf = (shift) => manifest.days.map((d, i) => i)
  .filter((day) => zoneRows.has([shift, day].join("/")));

function picksOf(site) {
  const rosters = manifest.rosters.map((r, i) => i).filter((i) => manifest.rosters[i].site === site);
  return rosters.map((roster) => ({ roster, shifts: shiftsOf(roster) }));
}

const hasOvertime = () => manifest.scenarios[state.scenario].over.some((blob) => blob !== null);
const hasFix = () => !isRoster() && state.scenario === 0 && manifest.scenarios[0].fix !== null;
const hasShare = () => manifest.scenarios[0].share !== null;

function measures() {
  const found = ["holds", "time", "white", "reason"];
  if (isRoster() && hasShare()) found.push("share");
  if (hasOvertime()) found.push("late");
  if (manifest.scenarios.length > 1) found.push("gain");
  if (hasFix()) found.push("fix");
  return found;
}

// Make the selection consistent after any one part of it changed.
function settle() {
  const sets = picksOf(state.site);
  const allowed = sets.flatMap((s) => ["r" + s.roster, ...s.shifts.map((i) => "s" + i)]);
  if (!allowed.includes(state.pick)) {
    const wanted = sets[0];
    state.pick = wanted.shifts.length ? "s" + wanted.shifts[0] : "r" + wanted.roster;
  }
  if (!isRoster()) {
    const days = daysOf(pickIndex());
    if (!days.includes(state.day)) state.day = days.length ? days[0] : 0;
  }
  if (state.measure === "gain" && state.scenario === 0 && manifest.scenarios.length > 1) {
    const planned = manifest.plans[state.plan];
    state.scenario = planned && planned.scenario ? planned.scenario : 1;
    state.layers.shuttles = true;
  }
  if (state.scenario > 0) {
    const tied = manifest.plans.findIndex((plan) => plan.scenario === state.scenario);
    if (tied >= 0) state.plan = tied;
  }
  if (!measures().includes(state.measure)) state.measure = "holds";
  if (state.scenario === 0) state.compare = false;
}

// The selection travels in the address, so that a view can be sent and printed.
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of given) {
    if (["site", "day", "mode", "scenario", "plan", "area", "group", "swipe", "clock"]
      .includes(name) && Number.isFinite(Number(value))) state[name] = Number(value);
    else if (["pick", "direction", "measure"].includes(name)) state[name] = value;
    else if (name === "compare") state.compare = value === "1";
    else if (name === "stops" || name === "shuttles" || name === "labels") {
      state.layers[name] = value === "1";
    } else if (name === "lang" && ["fr", "en"].includes(value)) language = value;
    else if (name === "layout") document.body.dataset.layout = value;
  }
  const within = (name, list) => {
    if (!(state[name] >= 0 && state[name] < list.length)) state[name] = 0;
  };
  within("site", manifest.sites);
  within("day", manifest.days);
  within("mode", manifest.modes);
  within("scenario", manifest.scenarios);
  within("plan", manifest.plans);
  if (state.scenario > 0 && !given.has("shuttles")) state.layers.shuttles = true;
}

const scenarioName = (index) => manifest.scenarios[index].name
  || t(index ? "with the plan" : "the present");

function addressOf() {
  const parts = { site: state.site, pick: state.pick, day: state.day, direction: state.direction,
    mode: state.mode, measure: state.measure, scenario: state.scenario, plan: state.plan,
    lang: language };
  if (state.compare) parts.compare = 1;
  return "#" + new URLSearchParams(parts).toString();
}

const arrayOf = (scenario, kind, row) => {
  const rows = manifest.scenarios[scenario][kind];
  const blob = row === undefined || rows === null ? null : rows[row];
  return blob === null || blob === undefined ? Promise.resolve(null) : bytesOf(blob);
};

const DIRECTIONS_BOTH = 0;
function directionClass(out, back) {
  const classes = new Uint8Array(out.length);
  for (let i = 0; i < out.length; i++) {
    const there = out[i] !== NONE, home = back[i] !== NONE;
    classes[i] = there ? (home ? DIRECTIONS_BOTH : 1) : (home ? 2 : 3);
  }
  return classes;
}
