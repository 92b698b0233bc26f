// Plans of shuttles as cards with their frontier, and lines drawn on the map stop by stop.
import { handle } from "./markers.js";
import { askJson, at, el, euros, fill, number, t } from "./words.js";

const feedsOf = (part) => ((part.about.draft.changes || {}).feeds || []);

// Cost against jobs, a point a plan.
function frontier(plans, tried) {
  const space = "http://www.w3.org/2000/svg", wide = 280, high = 120, svg = document.createElementNS(space, "svg");
  const most = { eur: Math.max(...plans.map((p) => p.eur_year), 1), jobs: Math.max(...plans.map((p) => p.jobs), 1) };
  const place = (p) => [14 + p.eur_year / most.eur * (wide - 28), high - 22 - p.jobs / most.jobs * (high - 36)];
  const add = (tag, attributes, text) => {
    const node = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text || "";
    svg.append(node);
  };
  svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", t("Frontier: jobs gained against cost a year"));
  add("path", { d: `M14 8V${high - 22}H${wide - 8}`, fill: "none", stroke: "#8b959c" });
  for (const p of plans) {
    const [cx, cy] = place(p);
    add("circle", { cx, cy, r: tried.has(p.name) ? 7 : 4, fill: tried.has(p.name) ? "#b3261e" : "#2d7fa8" });
  }
  add("text", { x: wide - 8, y: high - 6, "text-anchor": "end", "font-size": 12 }, euros(most.eur));
  add("text", { x: 20, y: 14, "font-size": 12 }, t("{n} jobs", { n: number(Math.round(most.jobs)) }));
  return svg;
}

export function plansPart(part) {
  const box = el("div", {});
  const show = async () => {
    if (!part.plansOpen || box.childElementCount) return;
    const { plans, outdated } = part.designed || (part.designed = await askJson(at(part.study) + "/plans"));
    if (!plans.length) { fill(box, el("p", { class: "note" }, t("Design them first: Compute and take away, “Design shuttles”."))); return; }
    const tried = new Set(feedsOf(part).map((feed) => feed.name));
    fill(box, outdated ? el("p", { class: "bad" }, t("Of before the last change of the data: compute again.")) : null, frontier(plans, tried), el("ul", { class: "cards", id: "plan-cards" }, plans.map((one) => el("li", {},
      el("p", {}, t("Plan {name}, vehicles: {vehicles}, {jobs} jobs gain their whole roster, {eur} a year", { name: one.name,
        vehicles: number(one.vehicles), jobs: number(Math.round(one.jobs)), eur: euros(one.eur_year) }), one.told ? " – " + t("told first") : ""),
      el("button", { type: "button", id: "plan-" + one.name, "aria-pressed": String(tried.has(one.name)),
        onclick: () => part.wholly({ do: "plan", name: one.name, on: !tried.has(one.name) }) },
      t(tried.has(one.name) ? "Leave it out" : "Try it on the map"))))));
  };
  const fold = el("details", { id: "plans", open: part.plansOpen, ontoggle: (event) => { part.plansOpen = event.target.open; show(); } },
    el("summary", {}, t("Shuttles designed")), box);
  show();
  return fold;
}

// A click on the map adds a stop; stops are dragged. Each change makes the timetable anew.
export class Drawing {
  constructor(part) {
    this.part = part;
    this.line = null;
    this.held = false; // A stop under the hand is not drawn anew.
    this.shapes = part.leaflet.layerGroup().addTo(part.page.map);
  }

  get lines() {
    const feed = feedsOf(this.part).find((one) => one.lines);
    return feed ? feed.lines : [];
  }

  drop() { this.line = null; }

  put({ lng, lat }) {
    this.line.stops.push({ lon: Number(lng.toFixed(5)), lat: Number(lat.toFixed(5)) });
    return this.send();
  }

  send() {
    this.show();
    return this.part.step({ do: "line", ...this.line }, true);
  }

  start() {
    const { site } = this.part.page.state, names = new Set(this.lines.map((line) => line.name));
    let k = 1;
    while (names.has("L" + k)) k += 1;
    this.part.pencil(this);
    this.line = { name: "L" + k, site: this.part.page.manifest.sites[site].name, stops: [] };
    this.part.draw();
  }

  // Every line drawn, that under the pencil with stops to drag.
  show() {
    if (this.held) return;
    const { leaflet, page } = this.part;
    page.taken = this.line ? (place) => this.put(place) : null;
    this.shapes.clearLayers();
    const own = this.lines.filter((line) => !this.line || line.name !== this.line.name);
    for (const line of [...own, ...(this.line ? [this.line] : [])]) {
      const site = page.manifest.sites.find((one) => one.name === line.site);
      const places = line.stops.map(({ lon, lat }) => [lat, lon]);
      if (places.length) this.shapes.addLayer(leaflet.polyline([...places, [site.gates[0][1], site.gates[0][0]]], { color: "#0b5c7a", weight: 4, dashArray: "8 6" }));
      if (line !== this.line) continue;
      line.stops.forEach((stop, k) => {
        const name = t("Stop {k} of line {name}", { k: k + 1, name: line.name });
        handle(this.part, this.shapes, stop, { name, className: "studio-stop", size: 22 }, (place) => { Object.assign(stop, place); this.send(); },
          (held) => { this.held = held; });
      });
    }
  }

  row(line) {
    return el("li", {}, t("Line {name} to {site}, stops: {n}", { name: line.name, site: line.site, n: number(line.stops.length) }), " ",
      el("button", { type: "button", class: "small", onclick: () => { this.part.pencil(this); this.line = structuredClone(line); this.part.draw(); } }, t("Change")),
      el("button", { type: "button", class: "small", onclick: () => this.part.step({ do: "line", ...line }, true) }, t("Time it anew")),
      el("button", { type: "button", class: "small", onclick: () => this.part.step({ do: "line", name: line.name, site: line.site, stops: [] }, true) }, t("Delete")));
  }

  fold() {
    const { line, lines } = this, open = this.open || Boolean(line);
    const pencil = () => [el("p", { class: "note" }, t("Line {name} to {site}: click on the map for each stop, in the order of the way to work; drag them.", { name: line.name, site: line.site })),
      el("div", { class: "buttons" },
        el("button", { type: "button", id: "line-middle", onclick: () => this.put(this.part.page.map.getCenter()) }, t("Stop in the middle of the map")),
        el("button", { type: "button", id: "line-back", disabled: !line.stops.length, onclick: () => { line.stops.pop(); this.send(); } }, t("Take out the last stop")),
        el("button", { type: "button", id: "line-done", onclick: () => { this.line = null; this.part.draw(); } }, t("Done")))];
    return el("details", { id: "drawing", open, ontoggle: (event) => { this.open = event.target.open; } },
      el("summary", {}, t("Draw a line")),
      lines.length ? el("ul", { class: "list" }, lines.map((one) => this.row(one))) : null,
      line ? pencil() : el("button", { type: "button", id: "line-new", onclick: () => this.start() }, t("New line to the site shown")));
  }
}
