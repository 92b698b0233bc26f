// The selection, and the rows of the manifest it points to.
const LAYERS = ["background", "stops", "lines", "shuttles", "labels", "isochrones"];
const firstState = () => ({ site: 0, pick: firstPick(0), day: 0, direction: "both", mode: 0, measure: manifest.first || "holds",
  scenario: 0, plan: Math.max(0, toldPlan), area: -1, group: 0, compare: false, swipe: 0.5, clock: -1,
  layers: { background: true, stops: false, lines: false, shuttles: false, labels: true, isochrones: false } });

// What follows from the manifest, again whenever it is replaced.
let toldPlan, keyRows, zoneRows, nModes, gatePoints, READ, state;
function derive() {
  toldPlan = manifest.plans.findIndex((plan) => plan.told);
  keyRows = new Map(manifest.keys.map((key, row) => [key.join("/"), row]));
  zoneRows = new Map(manifest.zones.map((key, row) => [key.join("/"), row]));
  nModes = manifest.modes.length;
  gatePoints = manifest.sites.flatMap((site, index) => site.gates.map(([lon, lat], gate) => (
    { site: index, gate, x: mercatorX(lon * 1e5), y: mercatorY(lat * 1e5) })));
  READ = readers();
}

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

// A roster as a whole: what a job asks for.
const firstPick = (site) => "r" + Math.max(0, manifest.rosters.findIndex((r) => r.site === site));

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

// What the present was last shown by: gains have none.
let measureOfPresent = "holds";

// Make the selection consistent after any one part of it changed.
function settle() {
  const sets = picksOf(state.site);
  const allowed = sets.flatMap((s) => ["r" + s.roster, ...s.shifts.map((i) => "s" + i)]);
  if (!allowed.includes(state.pick)) {
    state.pick = firstPick(state.site);
  }
  // Of a whole roster, the day is the one whose vehicles run.
  const days = (isRoster() ? shiftsOf(pickIndex()) : [pickIndex()]).flatMap(daysOf);
  if (!days.includes(state.day)) state.day = days.length ? Math.min(...days) : 0;
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
  if (state.measure !== "gain") measureOfPresent = state.measure;
  if (state.scenario === 0) state.compare = false;
}

// The selection and the view travel in the address, so that they can be sent and printed.
const whole = (least, most) => (text) => (/^-?\d{1,6}$/.test(text) && Number(text) >= least
  && Number(text) <= most ? Number(text) : undefined);
const indexOf = (list) => whole(0, list.length - 1);
const word = (...known) => (text) => (known.includes(text) ? text : undefined);
const yes = (text) => ({ 0: false, 1: true })[text];
const part = (text) => (/^0?\.\d{1,4}$/.test(text) ? Math.min(0.98, Math.max(0.02, Number(text))) : undefined);
const readers = () => ({ site: indexOf(manifest.sites), day: indexOf(manifest.days), mode: indexOf(manifest.modes),
  scenario: indexOf(manifest.scenarios), plan: indexOf(manifest.plans),
  area: whole(-1, manifest.homes.communes.length - 1), group: whole(0, manifest.homes.groups.length),
  clock: whole(-1, 86399), swipe: part, compare: yes, direction: word("both", "out", "back"),
  measure: word("holds", "time", "white", "reason", "share", "late", "gain", "fix"),
  pick: (text) => (/^[sr]\d{1,6}$/.test(text)
    && Number(text.slice(1)) < (text[0] === "s" ? manifest.shifts : manifest.rosters).length ? text : undefined),
  view: viewIn, lang: word("fr", "en"), layout: word("A4", "A3", "picture"),
  ...Object.fromEntries(LAYERS.map((name) => [name, yes])) });

// Zoom, latitude and longitude.
function viewIn(text) {
  if (!/^\d{1,2}(\.\d+)?(\/-?\d{1,3}(\.\d+)?){2}$/.test(text)) return undefined;
  const [zoom, lat, lon] = text.split("/").map(Number);
  return zoom <= 20 && Math.abs(lat) <= 85 && Math.abs(lon) <= 180 ? { zoom, lat, lon } : undefined;
}

// Values that cannot be are ignored.
function given() {
  const found = {};
  for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
    const value = Object.hasOwn(READ, name) ? READ[name](text) : undefined;
    if (value !== undefined) found[name] = value;
  }
  return found;
}

// The address is the whole selection: what it does not tell is as when the page opens.
function readAddress() {
  const { view, lang, layout: sheet, ...found } = given();
  state = firstState();
  for (const [name, value] of Object.entries(found)) {
    if (LAYERS.includes(name)) state.layers[name] = value; else state[name] = value;
  }
  if (found.pick && found.site === undefined) state.site = manifest.rosters[rosterOf(found.pick)].site;
  if (state.scenario > 0 && found.shuttles === undefined) state.layers.shuttles = !leverOf(state.scenario);
  if (lang) language = lang;
  return { view, sheet };
}

function scenarioName(index) {
  const lever = leverOf(index), { name } = manifest.scenarios[index];
  if (lever) return leverName(lever);
  if (name && manifest.plans.some((plan) => plan.scenario === index)) return t("plan {name}", { name });
  return name || t(index ? "with the plan" : "the present");
}
const leverName = (lever) => lever.head[language === "fr" ? 0 : 1];
// As chosen from: the plan told says so.
function scenarioLabel(index) {
  const known = manifest.plans.find((plan) => plan.scenario === index);
  return known ? planName(known) : scenarioName(index);
}
const leverOf = (index) => manifest.levers.find((lever) => lever.scenario === index);
const planName = (known) => known.name + (known.told ? " (" + t("told") + ")" : "");

function addressOf() {
  const { site, pick, day, direction, mode, measure, scenario, plan } = state;
  const parts = { site, pick, day, direction, mode, measure, scenario, plan };
  if (state.area >= 0) parts.area = state.area;
  if (state.group > 0) parts.group = state.group;
  if (state.compare) Object.assign(parts, { compare: 1, swipe: Number(state.swipe.toFixed(3)) });
  if (state.clock >= 0) parts.clock = Math.floor(state.clock);
  for (const name of LAYERS) parts[name] = Number(state.layers[name]);
  if (!seesWhole()) parts.view = viewOf();
  if (document.body.dataset.layout) parts.layout = document.body.dataset.layout;
  return "#" + new URLSearchParams({ ...parts, lang: language }).toString().replaceAll("%2F", "/");
}

// Browsers count the changes of an address: one for all of a drag.
let saving = 0;
function saveAddress() {
  clearTimeout(saving);
  saving = setTimeout(() => {
    if (!onScreen && location.protocol !== "about:") history.replaceState(null, "", addressOf());
  }, 250);
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
