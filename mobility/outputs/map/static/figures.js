// From a selection to classes, legend and figures.
const BLUES = ["#0b3c5d", "#1d6a96", "#4a98bf", "#8cc1d9", "#c4dfea", "#e3eff4"];
const SERVED = { colour: "#2d7fa8" };
const OUT_ONLY = { colour: "#f7dc9b", flat: "#edbf4d", hatch: "/", ink: "#a37a1d" };
const BACK_ONLY = { colour: "#f0b27a", flat: "#e08a3c", hatch: "\\", ink: "#9a5414" };
const NEITHER = { colour: "#ecdcd2", flat: "#d3a68d", hatch: "x", ink: "#a8623f" };
const REASON_COLOURS = { no_stop_home: "#ddcc77", no_stop_gate: "#cc6677", no_service_hour: "#332288",
  no_service_day: "#999933", no_return: "#88ccee", too_long: "#44aa99",
  too_many_transfers: "#aa4499", only_school_days: "#117733", unsafe_night: "#882255", several: "#9a9a9a" };
const REASON_HATCH = { no_stop_home: ".", no_stop_gate: "-", no_return: "\\", too_long: "/",
  unsafe_night: "x" };
const REASONS = ["", "no_stop_home", "no_stop_gate", "no_service_hour", "no_service_day", "no_return",
  "too_long", "too_many_transfers", "only_school_days", "unsafe_night", "several"];
const LATE_BREAKS = [15, 30, 60, 120];
const FIX_BREAKS = [5, 10, 15, 30];

// Classes of a time scale: at most six, up to the limit a direction holds within.
function timeBreaks() {
  const most = manifest.limits.max_total_min || 60;
  const step = [5, 10, 15, 20, 30, 60].find((s) => most / s <= 5) || 60;
  const breaks = [];
  for (let b = step; b < most; b += step) breaks.push(b);
  return [...breaks, most];
}

function timeStyles(breaks) {
  const styles = breaks.map((b, i) => ({
    label: t("{from}–{to} min", { from: i ? breaks[i - 1] + 1 : 0, to: b }),
    colour: BLUES[Math.min(i, BLUES.length - 1)] }));
  styles.push({ ...NEITHER, label: t("No usable journey") });
  return styles;
}

function timeClasses(values, breaks) {
  const table = new Uint8Array(256).fill(breaks.length - 1);
  for (let m = 255; m >= 0; m--) {
    const c = breaks.findIndex((b) => m <= b);
    if (c >= 0) table[m] = c;
  }
  table[NONE] = breaks.length;
  return values.map((m) => table[m]);
}

// A full tone means many workers, except where shades of blue already mean something.
const TONED = new Set(["holds", "white", "reason", "gain"]);

const longest = (a, b) => a.map((v, i) => Math.max(v, b[i]));

// Classes and styles of one scenario under the selection.
async function classify(scenario) {
  const found = await RULES[state.measure](scenario);
  if (!found) return { classes: new Uint8Array(homes.n).fill(NONE), styles: [] };
  found.toned = TONED.has(state.measure);
  if (homes.workers) {
    found.classes = found.classes.map((c, h) => (homes.workers[h] === 0 ? NONE : c));
  }
  return found;
}

const RULES = {
  async time(scenario) {
    const [out, back] = await ways(scenario);
    if (!out) return null;
    const values = state.direction === "out" ? out : state.direction === "back" ? back
      : longest(out, back);
    const breaks = timeBreaks();
    return { classes: timeClasses(values, breaks), styles: timeStyles(breaks), values };
  },
  async holds(scenario) {
    const [out, back] = await ways(scenario);
    if (!out) return null;
    if (state.direction !== "both") {
      const values = state.direction === "out" ? out : back;
      return { classes: values.map((m) => (m === NONE ? 1 : 0)),
        styles: [{ ...SERVED, label: t(state.direction === "out" ? "Arrives on time" : "Gets home") },
          { ...NEITHER, label: t("No usable journey") }] };
    }
    return { classes: directionClass(out, back), styles: [
      { ...SERVED, label: t("There and back") }, { ...OUT_ONLY, label: t("Outbound only") },
      { ...BACK_ONLY, label: t("Return only") }, { ...NEITHER, label: t("Neither direction") }] };
  },
  async white(scenario) {
    const zone = await arrayOf(scenario, "zone", zoneRow());
    if (!zone) return null;
    return { classes: zone.map((v) => v & 3), styles: [
      { ...SERVED, colour: "#b9d3df", label: t("Served: not white") },
      { ...OUT_ONLY, label: t("White: no way back (outbound only)") },
      { ...BACK_ONLY, label: t("White: no way there (return only)") },
      { ...NEITHER, colour: "#d98a6c", flat: "#c2603c", ink: "#7c2f14",
        label: t("White: neither direction") }] };
  },
  async reason(scenario) {
    const zone = await arrayOf(scenario, "zone", zoneRow());
    if (!zone) return null;
    const seen = [...new Set(zone.map((v) => v >> 2))].sort((a, b) => a - b);
    const place = new Uint8Array(64);
    seen.forEach((reason, i) => { place[reason] = i; });
    return { classes: zone.map((v) => place[v >> 2]), reasons: seen, styles: seen.map((reason) => (reason === 0
      ? { colour: "#e8eef1", label: t("Served: not white") }
      : { colour: REASON_COLOURS[REASONS[reason]], hatch: REASON_HATCH[REASONS[reason]],
        ink: "rgba(20,20,20,.5)", label: t("reason " + REASONS[reason]) })) };
  },
  async late(scenario) {
    const over = await arrayOf(scenario, "over", keyRow());
    if (!over) return null;
    const table = Uint8Array.from({ length: 256 }, (_, m) => LATE_BREAKS.filter((b) => m >= b).length);
    table[NONE] = LATE_BREAKS.length + 1;
    const styles = [...LATE_BREAKS, null].map((b, i) => ({ colour: BLUES[4 - i],
      label: b === null ? t("{from} min or more", { from: LATE_BREAKS[i - 1] })
        : t("{from}–{to} min", { from: i ? LATE_BREAKS[i - 1] : 0, to: b - 1 }) }));
    styles.push({ ...NEITHER, label: t("No way home") });
    return { classes: over.map((m) => table[m]), styles, values: over };
  },
  async fix(scenario) {
    const fix = await arrayOf(scenario, "fix", zoneRow());
    if (!fix) return null;
    const last = FIX_BREAKS.length + 1;
    const table = Uint8Array.from({ length: 256 }, (_, m) => (m === 0 ? 0
      : 1 + FIX_BREAKS.filter((b) => m > b).length));
    table[NONE] = last + 1;
    const styles = [{ colour: "#e8eef1", label: t("Holds already") },
      ...FIX_BREAKS.map((b, i) => ({ colour: BLUES[i], label: t("{from}–{to} min",
        { from: i ? FIX_BREAKS[i - 1] + 1 : 1, to: b }) })),
      { colour: BLUES[4], label: t("over {n} min", { n: FIX_BREAKS[last - 2] }) },
      { ...NEITHER, label: t("No single move does it") }];
    return { classes: fix.map((m) => table[m]), styles, values: fix };
  },
  async share(scenario) {
    const list = manifest.scenarios[scenario].share;
    const share = list ? await bytesOf(list[pickIndex() * nModes + state.mode]) : null;
    if (!share || !isRoster()) return null;
    const table = Uint8Array.from({ length: 256 }, (_, p) => (p >= 100 ? 0 : p >= 75 ? 1 : p >= 50 ? 2
      : p > 0 ? 3 : 4));
    return { classes: share.map((p) => table[p]), values: share, styles: [
      { colour: BLUES[0], label: t("Every working day") }, { colour: BLUES[1], label: t("75–99 % of days") },
      { colour: BLUES[2], label: t("50–74 % of days") }, { colour: BLUES[4], label: t("1–49 % of days") },
      { ...NEITHER, label: t("No day") }] };
  },
  async gain(scenario) {
    const [[out, back], [wasOut, wasBack]] = await Promise.all([ways(scenario), ways(0)]);
    if (!out) return null;
    const classes = new Uint8Array(out.length);
    for (let i = 0; i < out.length; i++) {
      const now = out[i] !== NONE && back[i] !== NONE, was = wasOut[i] !== NONE && wasBack[i] !== NONE;
      classes[i] = now ? (was ? 2 : 0) : (was ? 1 : 3);
    }
    return { classes, styles: [{ colour: "#117a65", label: t("Gained") },
      { colour: "#d1495b", hatch: "x", ink: "#5b0f1b", label: t("Lost") },
      { colour: "#c6dce6", label: t("Already there and back") },
      { ...NEITHER, colour: "#efe4dc", flat: "#e2cbbd", label: t("Still without") }] };
  },
};

const ways = (scenario) => Promise.all([arrayOf(scenario, "out", keyRow()),
  arrayOf(scenario, "back", keyRow())]);

const countText = (count) => (count === undefined || count === null ? "–" : number(count));

// Whom the figures count: people of the labour pool, or employees of a file.
const people = () => t(manifest.people === "employees" ? "employees" : "workers of the pool");

// Workers of each class where the page can count them: of everyone, or of one commune.
async function classCounts(shown) {
  if (state.group > 0) return null;
  const commune = state.area >= 0 ? await intsOf(manifest.homes.commune) : null;
  const counts = new Float64Array(256);
  for (let h = 0; h < homes.n; h++) {
    if (!commune || commune[h] === state.area) counts[shown.classes[h]] += homes.workers[h];
  }
  // Whole numbers that add up, as in the tables: the largest remainders go up.
  const parts = shown.styles.map((_, c) => counts[c] / manifest.homes.per), whole = parts.map(Math.floor);
  // Counts are whole numbers themselves: added first, a half is a half.
  const more = Math.round(shown.styles.reduce((sum, _, c) => sum + counts[c], 0) / manifest.homes.per) - whole.reduce((sum, n) => sum + n, 0);
  parts.map((n, c) => [whole[c] - n, c]).sort((a, b) => a[0] - b[0]).slice(0, more).forEach(([, c]) => whole[c]++);
  return whole;
}

// The value that half of the workers stay at or below, among homes where it is one.
async function weightedMedian(values) {
  const commune = state.area >= 0 ? await intsOf(manifest.homes.commune) : null;
  const byValue = new Float64Array(256);
  for (let h = 0; h < homes.n; h++) {
    if (!commune || commune[h] === state.area) byValue[values[h]] += homes.workers[h];
  }
  byValue[NONE] = 0;
  const all = byValue.reduce((sum, n) => sum + n, 0);
  let below = 0;
  const within = (most) => byValue.slice(0, most + 1).reduce((sum, n) => sum + n, 0) / manifest.homes.per;
  for (let m = 0; m < NONE; m++) {
    below += byValue[m];
    if (all && below >= all / 2) return { median: m, all: all / manifest.homes.per, within };
  }
  return { median: null, all: 0, within };
}

async function countsNow(scenario) {
  const known = manifest.scenarios[scenario].figures, row = keyRow();
  const [modes, gains] = await Promise.all([jsonOf(known.modes), jsonOf(known.gains)]);
  let mode = row === undefined ? null : modes[row][state.group];
  if (mode && state.area >= 0) {
    const byMode = await intsOf(known.area_modes), from = (row * manifest.homes.communes.length + state.area) * 5;
    mode = Array.from(byMode.subarray(from, from + 5));
  }
  const gain = scenario > 0 && row !== undefined && state.area < 0 ? gains[row][state.group] : null;
  return { mode, gain };
}

async function zoneNow(scenario) {
  const known = manifest.scenarios[scenario].figures, row = zoneRow();
  const zones = await jsonOf(known.zones);
  if (row === undefined || state.area < 0) return row === undefined ? null : zones[row][state.group];
  const byZone = await intsOf(known.area_zones), n = manifest.homes.communes.length;
  const width = byZone.length / zones.length / n, from = (row * n + state.area) * width;
  return Array.from(byZone.subarray(from, from + width));
}

// A text with nodes in the place of its fields.
function rich(template, nodes) {
  return t(template).split(/(\{\w+\})/).map((part) => (/^\{\w+\}$/.test(part) && nodes[part.slice(1, -1)] !== undefined
    ? nodes[part.slice(1, -1)] : part));
}
const figure = (name, text) => el("span", { "data-figure": name }, text);

// The headline of each measure: what is large, and the sentence beside it.
const HEADLINES = {
  holds({ counts, pool, share }) {
    const sentence = { both: "{n} of the {pool} {people} can go and come back {mode}", out: "{n} of the {pool} {people} arrive on time {mode}",
      back: "{n} of the {pool} {people} get home {mode}" }[state.direction];
    return { large: figure("share", share(counts[0])), sentence, nodes: { n: figure("both", countText(counts[0])) } };
  },
  white({ counts, share }) {
    return { large: figure("share", share(counts[0])), sentence: "{n} of the {pool} {people} can go and come back without a car",
      nodes: { n: figure("both", countText(counts[0])) } };
  },
  reason({ zone, share }) {
    const main = zone ? zone[zone.length - 1] : 0;
    return { large: figure("share", zone ? share(zone[5]) : "–"), sentence: main
      ? "{n} of the {pool} {people} are in a white zone, first of all for: {reason}" : "{n} of the {pool} {people} are in a white zone",
    nodes: { n: figure("white", countText(zone && zone[5])), reason: el("b", {}, t("reason " + REASONS[main])) } };
  },
  async time() {
    const { median, all } = await weightedMedian(shownNow.values);
    return { large: figure("median", median === null ? "–" : t("{n} min", { n: number(median) })),
      sentence: "half of the {n} {people} who have a journey {mode} take less, waits and margins included",
      nodes: { n: figure("both", countText(Math.round(all))) } };
  },
  async late({ share }) {
    const { median, all, within } = await weightedMedian(shownNow.values);
    const stay = Math.round(all - within(29));
    const end = isRoster() || median === null ? null : clock(manifest.shifts[pickIndex()].end + 60 * median);
    return { large: figure("share", share(stay)), sentence: end
      ? "{n} of the {pool} {people} still get home {mode} after 30 min of overtime; half of those who get home may leave at {end} or later"
      : "{n} of the {pool} {people} still get home {mode} after 30 min of overtime",
    nodes: { n: figure("both", countText(stay)), end } };
  },
  share({ counts, share }) {
    return { large: figure("share", counts ? share(counts[0]) : "–"), sentence: "{n} of the {pool} {people} can go and come back {mode} on every working day",
      nodes: { n: figure("both", countText(counts && counts[0])) } };
  },
  async fix({ share }) {
    const { within } = await weightedMedian(shownNow.values), n = Math.round(within(15) - within(0));
    return { large: figure("share", share(n)), sentence: "{n} of the {pool} {people} would hold if one trip or line moved by 15 min or less",
      nodes: { n: figure("both", countText(n)) } };
  },
  gain({ gain, counts }) {
    const [gained, lost] = gain || [counts && counts[0], counts && counts[1]];
    return { large: figure("gain", (gained ? "+" : "") + countText(gained)),
      sentence: lost ? "{people} gain the way there and back {mode}; {lost} lose it" : "{people} gain the way there and back {mode}; nobody loses it",
      nodes: { lost: countText(lost) } };
  },
};

// Headline, bar and legend in one: each class with its workers. The white zones stand below; where
// they are asked of a studio, they come later than the rest.
async function showFigures() {
  const box = document.getElementById("mb-figures"), mine = turn;
  const zoned = zoneNow(state.scenario), { mode, gain } = await countsNow(state.scenario);
  const zone = ["white", "reason"].includes(state.measure) ? await zoned : null;
  if (mine !== turn) return;
  if (!mode || !shownNow) {
    box.replaceChildren(el("p", {}, t("This shift does not work on that kind of day.")));
    return;
  }
  const pool = mode[0], both = state.measure === "holds" && state.direction === "both";
  const share = (count) => (pool && count !== null && count !== undefined ? percent(count / pool) : "");
  let counts = both ? mode.slice(1, 5) : state.measure === "white" && zone ? zone.slice(1, 5) : await classCounts(shownNow);
  if (gain && state.measure === "gain") counts = gain;
  const told = await HEADLINES[state.measure]({ mode, zone, gain, counts, pool, share });
  const nodes = { pool: figure("pool", countText(pool)), people: people(), mode: modePhrase(state.mode), ...told.nodes };
  const white = ["reason", "gain"].includes(state.measure) ? null : document.getElementById("mb-white") || el("dl", { id: "mb-white", class: "mb-list mb-white" });
  if (white) white.setAttribute("aria-busy", "true");
  const who = whoCounts(), none = state.measure === "gain" && gain && !gain[0] && !gain[1];
  box.replaceChildren(...[who ? el("h2", {}, who) : null,
    el("div", { class: "mb-key" }, el("strong", {}, told.large), el("span", {}, rich(told.sentence, nodes))),
    none ? await gainsElsewhere() : null,
    counts && counts.length === shownNow.styles.length ? bar(counts, pool) : null, legend(counts, share, both),
    state.measure === "time" ? await timeShares(share) : null,
    white,
    gain && state.measure !== "gain" && (gain[0] || gain[1]) ? el("p", { class: "mb-note" }, t("Against the present: {gained} more, {lost} fewer.",
      { gained: countText(gain[0]), lost: countText(gain[1]) })) : null,
    info()].filter(Boolean));
  const found = white && await zoned;
  if (!white || mine !== turn) return;
  white.replaceChildren(...(found ? whiteRows(found, share) : []));
  white.removeAttribute("aria-busy");
}

const FIGURE_OF = ["reachable", "out", "back", "neither"];
function legend(counts, share, both) {
  const named = both || state.measure === "white", order = shownNow.styles.map((style, c) => c);
  if (shownNow.reasons && counts) order.sort((a, b) => (shownNow.reasons[a] === 0) - (shownNow.reasons[b] === 0) || counts[b] - counts[a]);
  const name = (c) => (named ? FIGURE_OF[c] : state.measure === "gain" ? ["gained", "lost", "already", "still"][c] : "class" + c);
  return el("div", { id: "mb-legend", class: "mb-legend" }, [
    el("h2", {}, state.measure === "gain" && manifest.scenarios[0].name
      ? t("Change against {name}", { name: scenarioName(0) }) : t("legend " + state.measure)),
    el("dl", { class: "mb-list" }, order.map((c) => el("div", { class: "mb-row" },
      el("dt", {}, swatch({ ...shownNow.styles[c], colour: colourIn(shownNow.styles[c]) }), shownNow.styles[c].label),
      el("dd", { "data-figure": name(c) }, counts && counts[c] !== undefined ? countText(counts[c]) : "", el("small", {}, counts ? share(counts[c]) : ""))))),
    homes.cells && !TONED.has(state.measure) ? null : el("p", { class: "mb-note" }, t(homes.cells
      ? "The fuller the tone, the more workers live there."
      : "The area of a circle follows the number of workers.")),
  ]);
}

// Shares under the times people speak of.
async function timeShares(share) {
  const { within } = await weightedMedian(shownNow.values);
  const most = manifest.limits.max_total_min || 60;
  return el("dl", { class: "mb-list mb-white" }, [30, 45, 60].filter((m) => m <= most).map((m) => el("div", { class: "mb-row" },
    el("dt", {}, t("in {n} min at most", { n: m })),
    el("dd", { "data-figure": "within" + m }, countText(Math.round(within(m))), el("small", {}, share(Math.round(within(m))))))));
}

function whiteRows(zone, share) {
  const main = zone[zone.length - 1], kept = zone[zone.length - 2];
  return [el("div", { class: "mb-row" }, el("dt", {}, t("In a white zone")), el("dd", { "data-figure": "white" }, countText(zone[5]), el("small", {}, share(zone[5])))),
    el("div", { class: "mb-row" }, el("dt", {}, el("span", { "data-figure": "reason" }, t("Main reason: {reason}", { reason: main ? t("reason " + REASONS[main]) : "–" }))),
      el("dd", { "data-figure": "kept" }, main ? countText(kept) : "", el("small", {}, main ? share(kept) : "")))];
}

let infoOpen = false;
function info() {
  const paper = Boolean(document.body.dataset.layout);
  const fold = el("details", { class: "mb-info", open: infoOpen || paper, ontoggle: () => { if (!paper) infoOpen = fold.open; } }, [
    el("summary", {}, el("span", { class: "mb-i", "aria-hidden": "true" }, "i"), t("Limits and words")),
    el("p", { class: "mb-note" }, limitsText()),
    el("p", { class: "mb-note" }, isRoster() ? t("A roster holds where each of its shifts can be reached and left, on every kind of day on which it works.") : ""),
    el("p", { class: "mb-note mb-sense" }, el("b", {}, t("White zone")), t(": here, no usable journey at the hours of the shift (service sense). It is not the institutional sense: an area outside any mobility authority.")),
  ]);
  return fold;
}

const communeName = (index) => manifest.homes.communes[index] || t("no commune");
const groupName = (index) => t("group " + manifest.homes.groups[index]).replace(/^group /, "").replaceAll("_", " ");

// Whom the figures count, where it is not everyone.
function whoCounts() {
  if (state.area >= 0) return t("Figures for {name}", { name: communeName(state.area) });
  return state.group > 0 ? t("Among workers: {name}", { name: groupName(state.group - 1) }) : "";
}

// Where a scenario gains workers, most first; when it gains none here, the best row of each shift.
const ELSEWHERE = 5;
async function gainsOf(scenario) {
  const gains = await jsonOf(manifest.scenarios[scenario].figures.gains);
  return manifest.keys.map(([shift, day, mode], row) => ({ shift, day, mode, gained: gains[row][state.group][0] }))
    .filter(({ gained }) => gained).sort((a, b) => b.gained - a.gained);
}

async function gainsElsewhere() {
  const best = new Map();
  for (const at of await gainsOf(state.scenario)) if (!best.has(at.shift)) best.set(at.shift, at);
  const found = [...best.values()].slice(0, ELSEWHERE);
  if (!found.length) return null;
  const show = ({ shift, day, mode }) => choose({ site: manifest.rosters[manifest.shifts[shift].roster].site,
    pick: "s" + shift, day, mode });
  return el("div", { class: "mb-elsewhere" }, el("p", { class: "mb-note" }, t("No one gains here. This situation helps elsewhere:")),
    el("ul", { class: "mb-lines" }, found.map((at) => el("li", {}, el("button", { type: "button", class: "mb-small", onclick: () => show(at) },
      [shiftTitle(at.shift), dayName(at.day), modeName(at.mode)].join(", "))))));
}

function bar(counts, pool) {
  if (!pool) return null;
  return el("div", { class: "mb-bar", "aria-hidden": "true" }, shownNow.styles.map((style, i) => {
    const part = el("span", { style: "flex-grow:" + counts[i] / pool });
    dress(part, { ...style, colour: colourIn(style) });
    return part;
  }));
}

// A legend patch that looks like the map.
const patches = new Map();
function patch(style) {
  const key = style.hatch + style.ink;
  if (!patches.has(key)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const ctx = tile.getContext("2d");
    ctx.fillStyle = hatch(style.hatch, style.ink);
    ctx.fillRect(0, 0, 8, 8);
    patches.set(key, "url(" + tile.toDataURL() + ")");
  }
  return patches.get(key);
}

function dress(node, style) {
  node.style.backgroundColor = style.colour;
  if (style.hatch) node.style.backgroundImage = patch(style);
}

function swatch(style) {
  const node = el("span", { class: "mb-swatch", "aria-hidden": "true" });
  dress(node, style);
  return node;
}

function limitsText() {
  const l = manifest.limits, parts = [];
  if (l.max_total_min) parts.push(t("{n} min door to door", { n: number(l.max_total_min) }));
  if (l.max_walk_min) parts.push(t("{n} min on foot", { n: number(l.max_walk_min) }));
  if (l.max_transfers !== undefined) parts.push(t("{n} changes", { n: number(l.max_transfers) }));
  if (l.max_wait_min) parts.push(t("no wait over {n} min", { n: number(l.max_wait_min) }));
  return parts.length ? t("A direction holds within: ") + parts.join(", ") + "." : "";
}

function showTitle() {
  const values = { work: workPhrase(state.pick), site: manifest.sites[state.site].name, mode: modePhrase(state.mode),
    plan: scenarioName(state.scenario) };
  const kind = state.measure === "holds" ? state.direction : state.measure;
  const asked = t(kind === "both" && isRoster() ? "Who can hold {work} at {site} {mode}?" : "question " + kind, values);
  const question = state.scenario > 0 && state.measure !== "gain" && leverOf(state.scenario)
    ? t("{question} With: {plan}", { question: asked, plan: values.plan }) : asked;
  say("mb-question", question);
  const parts = [manifest.territory, whoCounts(),
    state.measure === "time" ? t({ both: "there and back", out: "outbound", back: "return" }[state.direction]) : ""];
  document.title = [question, ...parts].filter(Boolean).join(" – ");
  if (isRoster()) {
    const jobs = manifest.rosters[pickIndex()].headcount;
    parts.push(jobs ? t("{n} jobs", { n: number(jobs) }) : "", t("every shift of the roster, every kind of working day"));
  } else {
    const shift = manifest.shifts[pickIndex()];
    parts.push(clock(shift.start) + "–" + clock(shift.end), dayName(state.day));
  }
  say("mb-subtitle", [...parts, ...situations()].filter(Boolean).join(" · "));
}

// Writing a text that stands already would lay the page out anew.
function say(id, text) {
  const node = document.getElementById(id);
  if (node.textContent !== text) node.textContent = text;
}

// The scenarios shown, each on its own date.
function situations() {
  const both = state.scenario > 0 && (state.compare || state.measure === "gain");
  const shown = both ? [0, state.scenario] : [state.scenario];
  const dates = shown.map((s) => (isRoster() ? "" : dateText(dateOf(state.day, s))));
  const names = shown.map((s) => (manifest.scenarios.length > 1 ? scenarioName(s) : ""));
  if (dates[0] === dates[dates.length - 1]) return [dates[0], both ? names.join(" → ") : names[0]];
  return [shown.map((_, i) => names[i] + " (" + dates[i] + ")").join(" → ")];
}
