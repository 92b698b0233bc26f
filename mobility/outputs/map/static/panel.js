// The panel: controls follow the selection, the selection follows the controls.
const $ = (id) => document.getElementById(id);

const filled = {}; // What each list offers: one that offers the same is left as it is.
function fillSelect(id, options, value) {
  const node = $(id), offered = JSON.stringify(options);
  const option = ([key, label]) => el("option", { value: key }, label);
  if (filled[id] !== offered) {
    node.replaceChildren(...options.map((entry) => (Array.isArray(entry) ? option(entry)
      : el("optgroup", { label: entry.label }, entry.options.map(option)))));
    filled[id] = offered;
  }
  node.value = String(value);
  node.title = node.selectedOptions.length ? node.selectedOptions[0].textContent : "";
}

// With the employer where two sites bear one name.
const siteLabel = (site) => (site.employer && manifest.sites.filter((s) => s.name === site.name).length > 1
  ? site.name + " (" + site.employer + ")" : site.name);

// Buttons of one choice, the chosen one pressed.
function choices(entries, chosen, take) {
  return entries.map(([value, label, small]) => el("button", { type: "button", "data-value": value,
    "aria-pressed": String(value === chosen), onclick: () => choose(take(value)) }, label, small ? el("small", {}, small) : null));
}

function fillPicks() {
  const hours = (s) => clock(manifest.shifts[s].start) + "–" + clock(manifest.shifts[s].end);
  const offered = JSON.stringify([language, state.site, state.pick, picksOf(state.site).map(({ shifts }) => shifts.map(hours))]);
  if (filled.picks === offered) return;
  filled.picks = offered;
  $("mb-picks").replaceChildren(...picksOf(state.site).map(({ roster, shifts }) => {
    const known = manifest.rosters[roster], name = rosterLabel(known.name);
    const label = known.headcount ? t("Roster {name}, {n} jobs", { name, n: number(known.headcount) }) : t("Roster {name}", { name });
    return el("div", { class: "mb-pick", role: "group", "aria-label": label }, el("p", {}, label), el("div", { class: "mb-choice" }, choices(
      [["r" + roster, t("whole roster")], ...shifts.map((s) => ["s" + s, shiftName(manifest.shifts[s].name), hours(s)])], state.pick, (pick) => ({ pick }))));
  }));
}

function fillDays() {
  const offered = JSON.stringify([language, state.pick, state.day]);
  if (filled.days === offered) return;
  filled.days = offered;
  if (isRoster()) $("mb-days").replaceChildren(el("p", { class: "mb-note" }, t("On every working day; choose a shift to see one kind of day.")));
  else $("mb-days").replaceChildren(...choices(daysOf(pickIndex()).map((d) => [d, dayName(d)]), state.day, (day) => ({ day })));
}

function fillControls() {
  fillSelect("mb-site", manifest.sites.map((s, i) => [i, siteLabel(s)]), state.site);
  fillPicks();
  fillDays();
  fillSelect("mb-direction", [["both", t("there and back")], ["out", t("outbound")], ["back", t("return")]], state.direction);
  $("mb-direction").disabled = !["time", "holds"].includes(state.measure);
  fillSelect("mb-mode", manifest.modes.map((m, i) => [i, modeName(i)]), state.mode);
  $("mb-mode").disabled = ["white", "reason", "fix"].includes(state.measure);
  fillSelect("mb-measure-kind", measures().map((m) => [m, t("measure " + m)]), state.measure);
  fillSelect("mb-scenario", manifest.scenarios.map((s, i) => [i, scenarioLabel(i)]), state.scenario);
  $("mb-scenario-row").hidden = manifest.scenarios.length < 2;
  $("mb-compare").checked = state.compare;
  const first = manifest.scenarios[0].name;
  say("mb-compare-label", first ? t("Compare with {name} (curtain)", { name: first }) : t("Compare with the present (curtain)"));
  $("mb-compare").disabled = state.scenario === 0;
  const communes = manifest.homes.communes;
  fillSelect("mb-area", [[-1, t("the whole territory")], ...communes.map((c, i) => [i, communeName(i)])], state.area);
  $("mb-area-row").hidden = communes.length < 2;
  fillSelect("mb-group", [[0, t("all workers")], ...manifest.homes.groups.map((g, i) => [i + 1, groupName(i)])], state.group);
  $("mb-group-row").hidden = !manifest.homes.groups.length;
  $("mb-group").disabled = state.area >= 0;
  fillGreyed();
  for (const name of LAYERS) $("mb-layer-" + name).checked = state.layers[name];
  $("mb-layer-stops").disabled = !manifest.stops.n;
  $("mb-layer-lines-row").hidden = !manifest.lines.names.length;
  $("mb-layer-isochrones-row").hidden = !manifest.homes.cells;
  $("mb-layer-shuttles-row").hidden = !manifest.plans.length;
  $("mb-plan").max = Math.max(0, manifest.plans.length - 1);
  for (const code of ["fr", "en"]) $("mb-" + code).setAttribute("aria-pressed", language === code);
}

// What is greyed says why.
function fillGreyed() {
  const why = [["mb-direction", "The direction counts for travel time and for who can go and come back."],
    ["mb-mode", "White zones and their reasons count every mode that the territory lets count, whatever is chosen here."],
    ["mb-compare", "The curtain compares another situation: choose one."],
    ["mb-group", "Groups are counted in the whole territory only."],
    ["mb-layer-stops", "No stop of this territory is served."]];
  const told = why.filter(([id]) => $(id).disabled && !(id === "mb-compare" && manifest.scenarios.length < 2)
    && !(id === "mb-group" && !manifest.homes.groups.length));
  for (const [id, text] of why) $(id).title = told.some(([other]) => other === id) ? t(text) : "";
  say("mb-greyed", told.filter(([id]) => id !== "mb-layer-stops").map(([, text]) => t(text)).join(" "));
}

// The title may take another line; one that it took stays, for a map of another size is drawn anew.
function fitMap() {
  const head = document.querySelector(".mb-head");
  head.style.minHeight = document.body.dataset.layout ? "" : head.offsetHeight + "px";
  const box = map.getContainer(), size = map.getSize(), whole = seesWhole();
  if (box.clientWidth === size.x && box.clientHeight === size.y) return;
  map.invalidateSize({ animate: false });
  if (whole) showWhole();
}

// Everything that depends on the selection, in place; the page says `ready` when all of it is.
let turn = 0, topShows = "";
async function update() {
  const mine = ++turn;
  delete document.body.dataset.ready;
  settle();
  if (state.area >= 0) state.group = 0;
  fillControls();
  showTitle();
  const row = rosterOf(state.pick);
  const [workers] = await Promise.all([intsOf(manifest.homes.pools[row]), loadPlan(), state.layers.isochrones ? loadIsochrones() : null]);
  if (mine !== turn) return;
  if (homes.workers !== workers) { homes.workers = workers; setTones(); }
  const found = await Promise.all([classify(state.scenario), state.compare ? classify(0) : null]);
  if (mine !== turn) return;
  [shownNow, shownBefore] = found;
  recolour();
  window.mobilityMap.painted();
  // What lies on the homes follows from what is chosen, not from what is known of it.
  const top = JSON.stringify([state, language]);
  if (top !== topShows || state.layers.isochrones || card.again) layers.top.redraw();
  topShows = top;
  showVehicles();
  await showFigures();
  if (mine !== turn) return;
  fitMap();
  showAnswers();
  showLevers();
  showPlans();
  if (card.again) await card.again();
  if (mine !== turn) return;
  showShiftMarks();
  showClock();
  showSwipe();
  fitPanel();
  document.body.dataset.ready = String(mine);
}

async function choose(part) {
  if (part.scenario === 0 && state.measure === "gain") state.measure = measureOfPresent;
  Object.assign(state, part);
  if (part.site !== undefined || part.plan !== undefined) closeCard();
  say("mb-search-said", "");
  await update();
  saveAddress();
}

// Another address put into the open page.
async function follow() {
  clearTimeout(saving);
  if (!Object.keys(given()).length) return;
  const { view } = readAddress();
  speakAgain();
  closeCard();
  await update();
  showTiles();
  setSwipe(state.swipe);
  goTo(view);
}

function goTo(view) {
  if (view) map.setView([view.lat, view.lon], view.zoom, { animate: false }); else showWhole();
}

function showTiles() {
  map.getPane("tilePane").style.display = state.layers.background ? "" : "none";
}

function bind() {
  const onChange = (id, take) => $(id).addEventListener("change", (event) => choose(take(event.target)));
  onChange("mb-site", (n) => ({ site: Number(n.value) }));
  onChange("mb-direction", (n) => ({ direction: n.value }));
  onChange("mb-mode", (n) => ({ mode: Number(n.value) }));
  onChange("mb-measure-kind", (n) => ({ measure: n.value }));
  onChange("mb-scenario", (n) => {
    state.layers.shuttles = Number(n.value) > 0 && !leverOf(Number(n.value));
    return { scenario: Number(n.value) };
  });
  onChange("mb-compare", (n) => ({ compare: n.checked }));
  onChange("mb-area", (n) => ({ area: Number(n.value) }));
  onChange("mb-group", (n) => ({ group: Number(n.value) }));
  for (const name of LAYERS) {
    $("mb-layer-" + name).addEventListener("change", (event) => {
      state.layers[name] = event.target.checked;
      const asked = { lines: loadLines, isochrones: loadIsochrones }[name];
      if (asked) asked().then(() => layers.top.redraw());
      showTiles();
      showPlans();
      for (const layer of Object.values(layers)) layer.redraw();
      saveAddress();
    });
  }
  $("mb-plan").addEventListener("input", (event) => {
    const index = Number(event.target.value), tied = manifest.plans[index].scenario;
    state.layers.shuttles = true;
    // A plan that was not evaluated is drawn over the present.
    const measure = state.measure === "gain" && tied === null ? measureOfPresent : state.measure;
    choose({ plan: index, scenario: tied === null ? 0 : tied, measure });
  });
  $("mb-clock").addEventListener("input", (event) => {
    state.clock = Number(event.target.value) * 60;
    showShuttles();
    showClock();
    showVehicles();
    saveAddress();
  });
  $("mb-play").addEventListener("click", play);
  for (const code of ["fr", "en"]) $("mb-" + code).addEventListener("click", () => speak(code));
  $("mb-find").addEventListener("submit", (event) => { event.preventDefault(); find(); });
  $("mb-search").addEventListener("change", find);
  $("mb-search").addEventListener("input", () => { $("mb-search-said").textContent = ""; });
  $("mb-measure").addEventListener("click", toggleMeasure);
  $("mb-fullscreen").addEventListener("click", fullScreen);
  $("mb-print-a4").addEventListener("click", () => print("A4"));
  $("mb-print-a3").addEventListener("click", () => print("A3"));
  $("mb-whole").addEventListener("click", () => { showWhole(); choose({ area: -1 }); });
  map.on("moveend", saveAddress);
  // Another size of the window: what showed the whole territory shows it still.
  window.addEventListener("resize", () => { document.querySelector(".mb-head").style.minHeight = ""; });
  map.on("resize", () => { if (seesWhole() && !document.body.dataset.layout) showWhole(); });
  window.addEventListener("hashchange", follow);
  map.on("zoomend", () => showFigures());
  map.on("click", (event) => (window.mobilityMap.taken || clickMap)(event.latlng));
  map.on("mousemove", (event) => {
    map.getContainer().classList.toggle("mb-over", homeAt(event.latlng) >= 0);
  });
  // The middle is marked for those who steer by keys.
  for (const [kind, on] of [["pointerdown", true], ["keydown", false]]) {
    map.getContainer().addEventListener(kind, () => map.getContainer().classList.toggle("mb-pointed", on));
  }
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === map.getContainer()) {
      const { taken } = window.mobilityMap;
      if (taken || measure.on) (taken || clickMap)(map.getCenter()); else openMiddle();
    }
    if (event.key === "Escape" && measure.on) toggleMeasure();
  });
  $("mb-card").addEventListener("keydown", (event) => {
    if (event.key === "Escape") { closeCard(); map.getContainer().focus(); }
  });
}

// The whole territory, as large as the frame allows.
function showWhole() {
  const snap = map.options.zoomSnap;
  map.options.zoomSnap = 0.01;
  map.fitBounds(territoryBounds(), { padding: [14, 14], animate: false });
  map.options.zoomSnap = snap;
  wholeView = viewOf();
}

const viewOf = () => [Number(map.getZoom().toFixed(2)), map.getCenter().lat.toFixed(5), map.getCenter().lng.toFixed(5)].join("/");
let wholeView = "";
const seesWhole = () => viewOf() === wholeView;

function speak(code) {
  language = code;
  speakAgain();
  return choose({});
}

function speakAgain() {
  translatePage();
  showSources();
  controls();
}

function showSources() {
  $("mb-sources").replaceChildren(...manifest.sources.map((s) => el("li", {}, el("b", {}, t("source " + s.role)),
    " " + [s.name, s.by, s.licence].filter(Boolean).join(" · "), s.sha ? el("span", { class: "mb-sha" }, " · SHA-256 " + s.sha + "…") : "")));
  $("mb-findings").replaceChildren(...manifest.findings.map(([fr, en]) => el("li", {}, language === "fr" ? fr : en)));
  $("mb-findings-box").hidden = !manifest.findings.length;
  $("mb-version").textContent = manifest.version ? "mobility " + manifest.version : "";
}

// Leaflet's own controls, in the reader's language.
let zoomControl = null, attribution = null;
function controls() {
  if (zoomControl) zoomControl.remove();
  zoomControl = L.control.zoom({ position: "topright", zoomInTitle: t("Zoom in"), zoomOutTitle: t("Zoom out") }).addTo(map);
  if (attribution) attribution.remove();
  attribution = L.control.attribution({ prefix: "Leaflet", position: "bottomright" }).addTo(map);
  const credits = new Set(manifest.sources.map((s) => [s.by, s.licence].filter(Boolean).join(", ")).filter(Boolean));
  for (const credit of credits) attribution.addAttribution(L.Util.template("{c}", { c: escaped(credit) }));
}

const escaped = (text) => { const node = el("i", {}, text); return node.innerHTML; };

// The data of a page, at its start and whenever they are replaced.
async function load(view, sheet) {
  await loadHomes();
  settle();
  showTitle();
  if (sheet) layout(sheet); else fitMap();
  showTiles();
  goTo(view);
  await update();
  await Promise.all([loadGround(), loadStops(), state.layers.lines ? loadLines() : null]);
  if (sheet) goTo(view);
  for (const layer of Object.values(layers)) layer.redraw();
  fillControls();
  await fillSearch();
}

// Other data in the same page: a manifest and its blobs, as the page itself holds them. What was
// selected stays where it still can be.
async function replace(next, texts) {
  const chosen = { ...state }, whole = seesWhole(), view = { zoom: map.getZoom(), lat: map.getCenter().lat, lon: map.getCenter().lng };
  manifest = next;
  blobs = texts;
  decoded.clear();
  for (const id of ["picks", "days"]) delete filled[id];
  homeNames = null;
  Object.assign(plan, { index: -1, lines: [], runs: [] });
  Object.assign(lines, { n: 0, paths: null });
  closeCard();
  derive();
  state = firstState();
  for (const [name, value] of Object.entries(chosen)) {
    if (name === "layers" || !READ[name] || READ[name](String(value)) !== undefined) state[name] = value;
  }
  showSources();
  await load(whole ? undefined : view);
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    $("mb-question").textContent = t("This browser is too old for the map: use a version of 2023 or later.");
    return;
  }
  derive();
  const { view, sheet } = readAddress();
  translatePage();
  if (map.attributionControl) map.attributionControl.remove();
  controls();
  L.control.scale({ imperial: false, position: "bottomright", maxWidth: 160 }).addTo(map);
  showSources();
  addLayer("ground", 190, paintGround); // under the tiles' own pane
  watchTiles();
  addLayer("homes", 320, paintHomes);
  addLayer("roads", 340, paintRoads);
  addLayer("top", 450, paintTop);
  addLayer("vehicles", 460, paintVehicles);
  startSwipe();
  bind();
  await load(view, sheet);
  document.body.dataset.loaded = "1";
}

window.mobilityMap = { choose, replace, get state() { return state; }, get manifest() { return manifest; }, map, homeAt, openHome,
  speak, keyRow, zoneRow, get shown() { return shownNow; },
  painted() {}, // Called once homes have the colours of what was chosen.
  taken: null }; // Who takes a click on the map in place of the map itself: what draws on it.
