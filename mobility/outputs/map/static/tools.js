// Tools: search, measure, full screen, print, swipe.
const finds = new Map();

async function fillSearch() {
  const list = document.getElementById("mb-places");
  const add = (label, goal) => {
    if (!label) return;
    const name = finds.has(label) ? label + " (" + t("other") + ")" : label;
    if (!finds.has(name)) finds.set(name, goal);
  };
  finds.clear();
  manifest.homes.communes.forEach((name, i) => add(name, { commune: i }));
  ground.places.forEach((p) => { if (!finds.has(p.name)) add(p.name, { x: p.x, y: p.y, zoom: 13 }); });
  manifest.sites.forEach((site, i) => add(site.name, { site: i }));
  if (stops.x) stops.names.forEach((name, i) => { if (!finds.has(name)) add(name, { x: stops.x[i], y: stops.y[i], zoom: 14.5 }); });
  list.replaceChildren(...[...finds.keys()].slice(0, 4000).map((name) => el("option", { value: name })));
}

// As a keyboard writes it: without accents, ' for ’, x for ×.
const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/’/g, "'").replace(/×/g, "x").toLowerCase().trim();

async function find() {
  const wanted = document.getElementById("mb-search").value, said = document.getElementById("mb-search-said");
  if (!wanted.trim()) return;
  const name = finds.has(wanted) ? wanted : [...finds.keys()].find((k) => plain(k) === plain(wanted))
    || [...finds.keys()].find((k) => plain(k).startsWith(plain(wanted)));
  const tell = (text) => { said.classList.toggle("mb-sr", Boolean(name)); said.textContent = text; };
  if (!name) { tell(t("Nothing of that name here.")); return; }
  const goal = finds.get(name);
  if (goal.commune !== undefined) {
    map.fitBounds(await communeBounds(goal.commune), { padding: [40, 40], maxZoom: 14, animate: false });
    await choose({ area: manifest.homes.communes.length > 1 ? goal.commune : -1 });
  } else if (goal.site !== undefined) {
    const [lon, lat] = manifest.sites[goal.site].gates[0];
    map.setView([lat, lon], 13, { animate: false });
    openSite(goal.site);
  } else {
    map.setView(unproject(goal.x, goal.y), goal.zoom, { animate: false });
  }
  tell(name); // what is found shows on the map
}

async function communeBounds(wanted) {
  const commune = await intsOf(manifest.homes.commune);
  const bounds = L.latLngBounds([]);
  for (let h = 0; h < homes.n; h++) if (commune[h] === wanted) bounds.extend(homeCentre(h));
  return bounds.pad(0.1);
}

// Distances on the map.
const measure = { on: false, points: [] };
function toggleMeasure() {
  measure.on = !measure.on;
  measure.points = [];
  document.getElementById("mb-measure").setAttribute("aria-pressed", measure.on);
  map.getContainer().classList.toggle("mb-measuring", measure.on);
  showMeasure();
}

function showMeasure() {
  const said = document.getElementById("mb-said");
  let far = 0;
  for (let i = 1; i < measure.points.length; i++) far += map.distance(measure.points[i - 1], measure.points[i]);
  said.textContent = !measure.on ? "" : measure.points.length < 2
    ? t("Measure: click the map, or move it and press Enter; Escape ends.")
    : t("Distance as the crow flies: {far}", { far: far < 1000 ? number(Math.round(far)) + " m"
      : new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(far / 1000) + " km" });
  layers.top.redraw();
}

function paintMeasure(ctx) {
  if (!measure.on || !measure.points.length) return;
  const at = measure.points.map((p) => map.latLngToLayerPoint(p));
  ctx.beginPath();
  at.forEach((p, i) => (i ? ctx.lineTo(p.x, p.y) : ctx.moveTo(p.x, p.y)));
  ctx.setLineDash([6, 4]);
  ctx.strokeStyle = "#b3261e"; ctx.lineWidth = 2.5; ctx.stroke();
  ctx.setLineDash([]);
  for (const p of at) { ctx.beginPath(); ctx.arc(p.x, p.y, 4, 0, 6.2832); ctx.fillStyle = "#b3261e"; ctx.fill(); }
}

function clickMap(latlng) {
  if (!measure.on) return openAt(latlng);
  measure.points.push(latlng);
  return showMeasure();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => {});
}

// Paper: the page takes the size of the sheet before it is printed.
function layout(sheet) {
  if (sheet) document.body.dataset.layout = sheet; else delete document.body.dataset.layout;
  const about = document.querySelector(".mb-about");
  document.querySelector(sheet ? "body" : ".mb-panel").append(about);
  for (const part of about.querySelectorAll("details")) part.open = Boolean(sheet);
  const paper = document.getElementById("mb-paper");
  paper.textContent = sheet === "A4" || sheet === "A3" ? `@page { size: ${sheet} landscape; margin: 8mm; }` : "";
  showFigures();
  showPlans();
  fitPanel();
  map.invalidateSize({ pan: false });
}

// Figures and lines of shuttles shrink to the height of the sheet.
function fitPanel() {
  const panel = document.querySelector(".mb-panel");
  panel.style.zoom = "";
  if (!document.body.dataset.layout) return;
  for (let size = 1; size > 0.5 && panel.scrollHeight > panel.clientHeight; size -= 0.05) panel.style.zoom = size;
}

// What the screen shows, put on the sheet as large as it fits.
let onScreen = null;
function toPaper(sheet) {
  onScreen = { centre: map.getCenter(), zoom: map.getZoom(), size: map.getSize(), snap: map.options.zoomSnap };
  const whole = seesWhole();
  layout(sheet);
  map.options.zoomSnap = 0;
  const size = map.getSize(), grown = Math.min(size.x / onScreen.size.x, size.y / onScreen.size.y);
  if (whole) showWhole(); else map.setView(onScreen.centre, onScreen.zoom + Math.log2(grown), { animate: false });
  for (const layer of Object.values(layers)) layer.flatten();
}

function toScreen() {
  if (!onScreen) return;
  const { centre, zoom, snap } = onScreen;
  onScreen = null;
  map.options.zoomSnap = snap;
  layout(null);
  map.setView(centre, zoom, { animate: false });
  for (const layer of Object.values(layers)) layer._update();
}

function print(sheet) {
  toPaper(sheet);
  window.print();
}

window.addEventListener("beforeprint", () => { if (!document.body.dataset.layout) toPaper("A4"); });
window.addEventListener("afterprint", toScreen);

// The curtain between before and after.
function setSwipe(part) {
  const handle = document.getElementById("mb-swipe");
  state.swipe = Math.min(0.98, Math.max(0.02, part));
  handle.style.left = state.swipe * 100 + "%";
  handle.setAttribute("aria-valuenow", Math.round(state.swipe * 100));
  layers.homes.redraw();
}

function moveSwipe(part) {
  setSwipe(part);
  saveAddress();
}

function startSwipe() {
  const handle = document.getElementById("mb-swipe");
  map.getContainer().append(handle);
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    map.dragging.disable();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = map.getContainer().getBoundingClientRect();
    moveSwipe((event.clientX - box.left) / box.width);
  });
  handle.addEventListener("pointerup", () => map.dragging.enable());
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    moveSwipe(state.swipe + step);
  });
  L.DomEvent.disableClickPropagation(handle);
  setSwipe(state.swipe);
}

function showSwipe() {
  document.getElementById("mb-swipe").hidden = !state.compare;
  const said = document.getElementById("mb-sides");
  said.hidden = !state.compare;
  if (state.compare) said.replaceChildren(el("span", {}, "◀ " + scenarioName(0)),
    el("span", {}, scenarioName(state.scenario) + " ▶"));
}
