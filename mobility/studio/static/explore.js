// The map of a study, and beside it what could be otherwise.
import { ready } from "./check.js";
import { leversPart, tripsPart } from "./found.js";
import { Drawing, plansPart } from "./lines.js";
import { modesPart } from "./modes.js";
import { depotPart, gatesPart } from "./places.js";
import { Services } from "./services.js";
import { Zones } from "./zones.js";
import { LiveScenario } from "./scenario.js";
import { askJson, at, clock, el, euros, fill, language, number, signed, t, tell, toldBy, wait } from "./words.js";

const SLOW = 1500; // milliseconds after which a step's answer is told to be on its way
const STILL = 150; // milliseconds without a step, after which a hand rests
const SLIDERS = [ // table, field, text, least, most, step
  ["limits", "max_total_min", "Longest time door to door (min)", 15, 120, 5],
  ["limits", "max_walk_min", "Longest walking in all (min)", 0, 60, 5],
  ["limits", "max_transfers", "Most changes", 0, 5, 1],
  ["limits", "max_wait_min", "Longest single wait (min)", 0, 90, 5],
  ["limits", "margin_in_min", "From the gate to the work station (min)", 0, 45, 5],
  ["limits", "margin_out_min", "From the work station to the gate (min)", 0, 45, 5],
  ["speeds", "walk_kmh", "Walking speed (km/h)", 3, 6.5, 0.5],
];

export async function explore(main, study) {
  const panel = el("aside", { class: "panel", "aria-label": t("What if…"), tabindex: 0 });
  const stage = el("div", { class: "stage" });
  main.replaceChildren(el("div", { class: "explore" }, stage, panel));
  let gone = false, about = await askJson(at(study));
  while (!about.page && !about.error && !gone) {
    stage.textContent = about.step ? t("Reading the study: {step}", { step: about.step[language] }) : "";
    await wait(300);
    about = await askJson(at(study));
  }
  stage.textContent = "";
  if (about.error) stage.append(el("p", { class: "waiting bad", role: "status" }, about.error[language]));
  if (about.error || gone) return () => { gone = true; };
  const frame = el("iframe", { title: t("Map of the study"), src: at(study) + "/map.html#lang=" + language });
  stage.append(frame);
  await new Promise((done) => frame.addEventListener("load", done, { once: true }));
  const inner = frame.contentDocument;
  inner.head.append(Object.assign(inner.createElement("style"), { textContent: ".mb-lang { display: none }"
    + ".studio-stop { border: 3px solid #0b5c7a; border-radius: 50%; background: #fff; cursor: move }"
    + ".studio-gate { border: 3px solid #b3261e; border-radius: 50%; background: rgba(255, 255, 255, .6); cursor: move }"
    + ".studio-depot { border: 3px solid #5b3a8c; border-radius: 4px; background: rgba(255, 255, 255, .7); cursor: move }" }));
  while (!inner.body.dataset.loaded) await wait(20);
  if (!await ready(stage, study, () => !gone)) return () => { gone = true; };
  about = await askJson(at(study));
  const page = frame.contentWindow.mobilityMap;
  const part = new WhatIf(panel, study, page, about);
  part.leaflet = frame.contentWindow.L;
  part.drawing = new Drawing(part);
  part.zones = new Zones(part);
  part.services = new Services(part);
  await part.start();
  const timer = setInterval(() => part.follow(), 2000);
  return () => { gone = true; clearInterval(timer); };
}

class WhatIf {
  constructor(panel, study, page, about) {
    Object.assign(this, { panel, study, page, about });
    this.live = new LiveScenario(page, study);
    this.inFlight = false;
    this.lastStep = -STILL;
    this.live.isBusy = () => this.inFlight || performance.now() - this.lastStep < STILL;
    this.waiting = [];
    this.revision = about.revision;
    this.sections = new Map();
    this.sliders = new Map();
    this.tripNames = new Map(); // as lists of trips tell them
  }

  async start() {
    // The hours a shift is shown with are those of the situation shown.
    this.page.manifest.shifts.forEach((shift, index) => {
      for (const edge of ["start", "end"]) {
        const own = shift[edge];
        Object.defineProperty(shift, edge, { get: () => (this.page.state.scenario === this.live.index
          ? this.hours(index)[edge] : own) });
      }
    });
    // Hours are those of one shift: the first of the site, unless the address asks for another.
    const { site, pick } = this.page.state, { rosters, shifts } = this.page.manifest;
    const first = shifts.findIndex((shift) => rosters[shift.roster].site === site);
    await this.showDraft({ measure: "holds", pick: pick[0] === "r" ? "s" + first : pick });
    this.draw();
    // What is picked on the map decides which shifts have sliders here.
    const seen = () => [this.page.state.pick, this.page.state.day, this.page.state.mode, this.page.state.scenario].join();
    let last = seen();
    this.watching = setInterval(() => {
      if (!this.panel.isConnected) { clearInterval(this.watching); return; }
      if (seen() !== last) { last = seen(); this.draw(); }
    }, 200);
    document.body.dataset.live = "1";
  }

  // Show the draft; where it does not fit the study any more, the study as it is, and why.
  async showDraft(also) {
    try {
      await this.page.choose({ ...also, scenario: this.live.index });
      if (this.unfit) tell("");
      this.unfit = false;
    } catch (error) {
      this.unfit = true;
      await this.page.choose({ ...also, scenario: 0 });
      tell(t("What was changed does not fit the study any more; take it back in the list of changes. {why}", { why: toldBy(error) }), true);
    }
  }

  // Hours of a shift as the draft, and the hand still moving, have them.
  hours(index) {
    const own = this.about.settings.shifts[index], draft = (this.trying || this.about).draft;
    const found = ((draft.changes || {}).shifts || []).find((c) => c.site === own.site && c.roster === own.roster
      && c.shift === own.shift) || {};
    const seconds = (text) => Number(text.slice(0, 2)) * 3600 + Number(text.slice(3, 5)) * 60;
    return { start: found.start ? seconds(found.start) : own.start, end: found.end ? seconds(found.end) : own.end };
  }

  value(table, field) {
    const draft = (this.trying || this.about).draft;
    return draft[table] && field in draft[table] ? draft[table][field] : this.about.settings[table][field];
  }

  // One thing is drawn at a time.
  pencil(mine) {
    for (const one of [this.drawing, this.zones, this.services]) if (one !== mine) one.drop();
  }

  // Make a step, or try one while the hand moves. One goes at a time; of tries that wait, the last.
  step(step, commit) {
    this.waiting = this.waiting.filter(([, made]) => made);
    this.waiting.push([step, commit]);
    if (!this.inFlight) this.settled = this.work();
    return this.settled;
  }

  async work() {
    this.inFlight = true;
    try {
      while (this.waiting.length) await this.make(...this.waiting.shift());
    } finally { this.inFlight = false; }
  }

  async make(step, commit) {
    const from = performance.now(), shown = this.live.shown, steps = [step].flat();
    // A studio that rested reads the study again first.
    const slow = setTimeout(() => tell(t("The studio takes the study up again…")), SLOW);
    try {
      const answer = await this.live.request(shown, steps, commit, this.live.part);
      this.trying = commit ? null : answer;
      if (commit) {
        Object.assign(this.about, { draft: answer.draft, undo: answer.undo, redo: answer.redo, revision: answer.revision });
        this.revision = answer.revision;
      }
      this.live.take(answer, shown, commit ? [] : steps);
      await this.coloured();
      await new Promise(requestAnimationFrame);
      window.studioTook = performance.now() - from;
      if (commit || performance.now() - from > SLOW) tell("");
      if (commit) this.draw(); else this.headline(answer);
    } catch (error) {
      this.trying = null;
      tell(toldBy(error), !error.unfinished);
      this.live.forget();
      for (const section of this.sections.values()) section.key = ""; // what was switched is back as it was
      this.draw();
    }
    clearTimeout(slow);
    this.lastStep = performance.now();
    document.body.dataset.step = String(Number(document.body.dataset.step || 0) + 1);
  }

  // The map takes its colours first; figures that come later are awaited by nobody.
  coloured() {
    return new Promise((done, failed) => {
      this.page.painted = done;
      this.page.choose({ scenario: this.live.index }).then(done, failed);
    });
  }

  async move(redo) {
    await this.settled;
    Object.assign(this.about, await askJson(at(this.study) + "/undo", { redo }));
    await this.renew();
  }

  async scenario(asked) {
    await this.settled;
    const again = this.about.scenarios.some((one) => one.name === asked.name);
    try {
      Object.assign(this.about, await askJson(at(this.study) + "/scenarios", asked));
      tell(asked.do !== "save" ? "" : t(again ? "The scenario takes the place of the one of this name." : "The scenario is kept."));
      await this.renew();
    } catch (error) { tell(toldBy(error), true); }
  }

  async renew() {
    this.revision = this.about.revision;
    this.trying = null;
    this.live.forget();
    await this.showDraft({});
    this.draw();
  }

  // What a search found gains whole rosters: that of the shift shown is shown then.
  async wholly(step) {
    await this.step(step, true);
    const { pick } = this.page.state;
    if (pick[0] === "s") await this.page.choose({ pick: "r" + this.page.manifest.shifts[Number(pick.slice(1))].roster });
    this.draw();
  }

  // Another browser may have made a step.
  async follow() {
    if (this.inFlight || this.trying || !this.panel.isConnected) return;
    try {
      const about = await askJson(at(this.study));
      if (about.revision === this.revision || this.inFlight) return;
      if (!about.ready) return;
      this.about = about;
      await this.renew();
    } catch (error) { /* the page itself tells that nothing answers */ }
  }

  async headline(answer) {
    const box = this.panel.querySelector("#headline");
    if (!box) return;
    const found = answer || await this.live.answer(this.live.shown).catch((error) => error);
    if (found instanceof Error) { fill(box, el("span", { class: "bad" }, toldBy(found))); return; }
    if (!found.mode) { box.replaceChildren(t("This shift does not work on that kind of day.")); return; }
    const [gained, lost] = found.gain[0], now = found.mode[0][1];
    box.replaceChildren(el("strong", { id: "now" }, number(now)), " ", t("can go and come back"), " ",
      el("span", { id: "change", class: gained - lost < 0 ? "bad" : "good" }, signed(gained - lost)),
      el("small", {}, t("{gained} gain it, {lost} lose it", { gained: number(gained), lost: number(lost) })),
      el("small", { id: "served" }, t("{n} without a car, by whatever way ({change})", { n: number(found.served[0]), change: signed(found.served[0] - found.served[1]) })),
      found.booked ? el("small", { id: "booked" }, t("on-demand trips for them: {n} a year, {eur} ({low} to {high})", { n: number(found.booked.trips),
        eur: euros(found.booked.year), low: euros(found.booked.low), high: euros(found.booked.high) })) : "",
      el("small", { id: "euros" }, this.euros(found.eur)));
  }

  // What the changes cost, and the ends of the band of their prices.
  euros({ year, low, high }) {
    if (!year) return t("No yearly cost is counted for these changes.");
    return t("{eur} a year ({low} to {high})", { eur: euros(year), low: euros(low), high: euros(high) });
  }

  // A slider stays as it is drawn: `read` tells its value whenever the draft is another.
  slider(id, label, read, shown, [least, most, by], own, step) {
    const output = el("output", { for: id }), input = el("input", { type: "range", id, min: least, max: most, step: by });
    const say = () => {
      output.textContent = shown(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    const box = el("div", { class: "slider" }, el("label", { for: id }, label), output, input);
    const renew = () => {
      const value = String(read());
      if (input.value !== value || !output.textContent) { input.value = value; say(); }
      box.classList.toggle("changed", read() !== own);
    };
    renew();
    input.addEventListener("input", () => { say(); this.step(step(Number(input.value)), false); });
    input.addEventListener("change", () => { say(); this.step(step(Number(input.value)), true); });
    this.sliders.set(id, { input, renew });
    return box;
  }

  shiftSliders() {
    const { pick } = this.page.state, { shifts, rosters, sites } = this.page.manifest;
    const mine = pick[0] === "s" ? [Number(pick.slice(1))]
      : shifts.map((_, k) => k).filter((k) => shifts[k].roster === Number(pick.slice(1)));
    return mine.map((index) => {
      const own = this.about.settings.shifts[index];
      return el("fieldset", {}, el("legend", {}, own.shift + ", " + sites[rosters[shifts[index].roster].site].name),
        ["start", "end"].map((edge) => {
          const most = 120, near = () => {
            const by = (this.hours(index)[edge] - own[edge]) / 60;
            return by > 720 ? by - 1440 : by < -720 ? by + 1440 : by;
          };
          const text = (offset) => clock(own[edge] + 60 * offset);
          return this.slider("shift-" + index + "-" + edge, t(edge === "start" ? "Start" : "End"), near, text, [-most, most, 5], 0,
            (offset) => ({ do: "shift", site: own.site, roster: own.roster, shift: own.shift, [edge]: offset ? text(offset) : null }));
        }));
    });
  }

  // What the draft does to one trip in one way.
  tripRow(trip, how) {
    return (((this.trying || this.about).draft.changes || {}).trips || []).find((c) => c.how === how && c.trips.length === 1 && c.trips[0] === trip);
  }

  // Each section of the panel is drawn anew only when what it was drawn from is another.
  section(name, from, make) {
    const key = JSON.stringify(from), known = this.sections.get(name);
    if (known && known.key === key) return known.box;
    const box = known ? known.box : el("div", { class: "part" });
    const focused = box.contains(document.activeElement) ? document.activeElement.id : "";
    fill(box, make());
    this.sections.set(name, { key, box });
    if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
    return box;
  }

  draw() {
    const { about, page, drawing, services, zones } = this, { draft, undo, redo, scenarios, settings, revision } = about;
    const { pick, day } = page.state, changes = draft.changes || {};
    for (const pencil of [drawing, services, zones]) pencil.show();
    const sections = [
      this.section("title", [], () => [el("h1", {}, t("What if…")), el("p", { id: "headline", "aria-live": "polite" })]),
      this.section("undo", [undo, redo], () => el("div", { class: "buttons" },
        el("button", { type: "button", id: "undo", disabled: !undo, onclick: () => this.move(false) }, t("Undo")),
        el("button", { type: "button", id: "redo", disabled: !redo, onclick: () => this.move(true) }, t("Redo")),
        el("button", { type: "button", id: "clear", onclick: () => this.step({ do: "clear" }, true) }, t("As it is today")))),
      this.section("hours", [pick], () => [el("h2", {}, t("Hours of the shift")), this.shiftSliders()].flat()),
      this.section("trips", [pick, day, this.trip], () => tripsPart(this)),
      this.section("limits", [pick, draft.modes, draft.carpool, settings.carpools || draft.carpool ? revision : 0], () => this.limitsPart()),
      this.section("levers", [], () => leversPart(this)),
      this.section("plans", (changes.feeds || []).map((feed) => feed.name), () => plansPart(this)),
      this.section("drawing", [drawing.line, drawing.lines], () => drawing.fold()),
      this.section("services", [services.stop, services.stops, services.line, services.way, services.more, day], () => services.fold()),
      this.section("zones", [zones.zone, zones.drawn], () => zones.fold()),
      this.section("places", [Boolean(this.gates), Boolean(this.depot), settings.depot], () => [gatesPart(this), depotPart(this)]),
      this.section("changes", [draft, services.known.day], () => [el("h2", {}, t("What is changed")), this.changes()]),
      this.section("keep", [], () => this.keepPart()),
      this.section("scenarios", scenarios, () => [el("h2", {}, t("Scenarios")), this.scenarioList(scenarios)]),
    ];
    if (this.panel.firstChild !== sections[0]) fill(this.panel, sections);
    for (const [id, { input, renew }] of this.sliders) if (input.isConnected) renew(); else this.sliders.delete(id);
    this.headline();
  }

  limitsPart() {
    const own = (table, field) => this.about.settings[table][field];
    return el("details", { open: this.limitsOpen, ontoggle: (event) => { this.limitsOpen = event.target.open; } },
      el("summary", {}, t("Limits and speeds")),
      SLIDERS.map(([table, field, text, ...range]) => this.slider("set-" + field, t(text), () => this.value(table, field),
        (v) => number(v), range, own(table, field), (value) => ({ do: "set", table, field, value: value === own(table, field) ? null : value }))),
      modesPart(this));
  }

  keepPart() {
    const name = el("input", { id: "scenario-name", maxlength: 80, required: true });
    return el("form", { class: "keep", onsubmit: (event) => {
      event.preventDefault();
      this.scenario({ do: "save", name: name.value.trim() });
      name.value = "";
    } }, el("label", { for: "scenario-name" }, t("Keep as a scenario")), name, el("button", { type: "submit", id: "keep" }, t("Keep")));
  }

  scenarioList(scenarios) {
    if (!scenarios.length) return el("p", { class: "note" }, t("None is kept yet."));
    return el("ul", { class: "list", id: "scenarios" }, scenarios.map((one) => el("li", {},
      el("button", { type: "button", class: "plain", onclick: () => this.scenario({ do: "open", id: one.id }) }, one.name),
      el("code", {}, "scenarios/" + one.id + ".toml"), one.error ? el("p", { class: "bad" }, one.error[language]) : null,
      el("button", { type: "button", class: "small", onclick: () => this.scenario({ do: "copy", id: one.id, name: t("{name}, copy", { name: one.name }) }) }, t("Duplicate")),
      el("button", { type: "button", class: "small", onclick: () => this.scenario({ do: "remove", id: one.id }) }, t("Delete")))));
  }

  changes() {
    const { draft } = this.about, rows = [];
    const row = (text, step) => rows.push(el("li", {}, text, " ", el("button", { type: "button", class: "small",
      "aria-label": t("Take back: {what}", { what: text }), onclick: () => this.step(step, true) }, "×")));
    for (const table of ["limits", "speeds", "modes", "carpool"]) {
      for (const [field, value] of Object.entries(draft[table] || {})) {
        if (field === "evaluated") continue;
        const known = SLIDERS.find((s) => s[1] === field);
        const named = { cycling_counts: "Cycling rescues a white zone", detour_min: "Car-pooling, detour (min)" }[field];
        const text = known ? t(known[2]) : named ? t(named) : field;
        const said = typeof value === "boolean" ? t(value ? "yes" : "no") : number(value);
        row(t("{what}: {value}", { what: text, value: said }), { do: "set", table, field, value: null });
      }
    }
    ((draft.changes || {}).shifts || []).forEach((change, index) => row(t("{site}, {shift}: {hours}", { site: change.site, shift: change.shift,
      hours: [change.start && t("start") + " " + change.start, change.end && t("end") + " " + change.end].filter(Boolean).join(", ") }),
    { do: "drop", kind: "shifts", index }));
    ((draft.changes || {}).trips || []).forEach((change, index) => {
      const how = t({ move: "trips moved", add: "trips added", remove: "trips taken out" }[change.how]), trips = change.trips.map((id) => this.tripNames.get(id) || id).join(", ");
      row(change.how === "remove" ? t("{how}: {trips}", { how, trips }) : t("{how} {trips}: {minutes} min", { how, trips, minutes: signed(change.minutes || 0) }), { do: "drop", kind: "trips", index });
    });
    ((draft.changes || {}).feeds || []).forEach((change, index) => row(t("{name}: {eur} a year", { name: change.lines ? t("lines drawn")
      : t("shuttles, plan {name}", { name: change.name }), eur: euros(change.eur_year || 0) }), { do: "drop", kind: "feeds", index }));
    for (const stop of this.services.stops) row(this.services.said(stop), { do: "stop", line: stop.line, name: stop.name });
    ((draft.changes || {}).lines || []).forEach((change, index) => {
      if (change.how !== "reroute" || !change.from_stop) row(t("Line {line} changed", { line: change.line }), { do: "drop", kind: "lines", index });
    });
    for (const zone of this.zones.drawn) row(t("Zone {name}, {start} to {end}", zone), { do: "zone", name: zone.name });
    return rows.length ? el("ul", { class: "list", id: "changes" }, rows) : el("p", { class: "note" }, t("Nothing: the study as it is."));
  }
}
