// On-demand zones drawn on the map, corner by corner.
import { handle } from "./markers.js";
import { el, language, number, t, tell } from "./words.js";

// A click on the map adds a corner; corners are dragged. Three make a zone.
export class Zones {
  constructor(part) {
    this.part = part;
    this.zone = null;
    this.held = false; // A corner under the hand is not drawn anew.
    this.shapes = part.leaflet.layerGroup().addTo(part.page.map);
  }

  // Those of the study itself are no part of the draft's.
  get drawn() {
    return (this.part.about.draft.on_demand || []).slice(this.part.about.settings.zones);
  }

  drop() { this.zone = null; }

  put({ lng, lat }) {
    this.zone.polygon.push([Number(lng.toFixed(5)), Number(lat.toFixed(5))]);
    return this.send();
  }

  async send() {
    this.show();
    if (this.zone.polygon.length < 3) { this.part.draw(); return; }
    // Who gains is told of every way without a car: booked vehicles are one of them.
    if (this.part.page.state.measure !== "white") await this.part.page.choose({ measure: "white" });
    await this.part.step({ do: "zone", ...this.zone }, true);
  }

  start() {
    const names = new Set(this.drawn.map((zone) => zone.name));
    let k = 1;
    while (names.has("Z" + k)) k += 1;
    this.part.pencil(this);
    this.zone = { name: "Z" + k, polygon: [], start: "05:00", end: "23:00", wait_min: 10, max_ride_min: 40, detour: 1.3 };
    this.part.draw();
  }

  show() {
    if (this.held) return;
    const { leaflet, page } = this.part, swap = ([lon, lat]) => [lat, lon];
    if (this.zone) page.taken = (place) => this.put(place);
    this.shapes.clearLayers();
    const own = this.drawn.filter((zone) => !this.zone || zone.name !== this.zone.name);
    for (const zone of [...own, ...(this.zone ? [this.zone] : [])]) {
      this.shapes.addLayer(leaflet.polygon(zone.polygon.map(swap), { color: "#7a4fa3", weight: 3, fillOpacity: 0.08, interactive: false }));
      if (zone !== this.zone) continue;
      zone.polygon.forEach((corner, k) => {
        const name = t("Corner {k} of zone {name}", { k: k + 1, name: zone.name });
        handle(this.part, this.shapes, { lon: corner[0], lat: corner[1] }, { name, className: "studio-stop", size: 18 },
          ({ lon, lat }) => { zone.polygon[k] = [lon, lat]; this.send(); }, (held) => { this.held = held; });
      });
    }
  }

  row(zone) {
    return el("li", {}, t("Zone {name}, {start} to {end}", zone), " ",
      el("button", { type: "button", class: "small", onclick: () => { this.part.pencil(this); this.zone = structuredClone(zone); this.part.draw(); } }, t("Change")),
      el("button", { type: "button", class: "small", onclick: () => this.part.step({ do: "zone", name: zone.name }, true) }, t("Delete")));
  }

  field(name, label, more) {
    const { zone } = this, number = more.type === "number";
    return el("label", { class: "check" }, t(label), el("input", { ...more, id: "zone-" + name, value: zone[name], onchange: ({ target }) => {
      // What cannot be is told, and what holds stands in the field again.
      if (!target.value || !target.checkValidity()) {
        tell(t(label) + (language === "fr" ? "\u00a0: " : ": ") + (target.validationMessage || t("Write a time.")), true);
        target.value = zone[name];
        return;
      }
      zone[name] = number ? Number(target.value) : target.value;
      this.send();
    } }));
  }

  fold() {
    const { zone, drawn } = this, open = this.open || Boolean(zone);
    const pencil = () => [el("p", { class: "note" }, t("Zone {name}, corners: {n}. Click on the map for each corner, three at least, around homes and gate.", { name: zone.name, n: number(zone.polygon.length) })),
      this.field("start", "Runs from", { type: "time" }), this.field("end", "Runs to", { type: "time" }),
      this.field("wait_min", "Kept for the vehicle (min)", { type: "number", min: 0, max: 60 }),
      this.field("max_ride_min", "Longest ride (min)", { type: "number", min: 1, max: 180 }),
      this.field("detour", "Ride against the direct drive", { type: "number", min: 1, max: 3, step: 0.1 }),
      el("div", { class: "buttons" },
        el("button", { type: "button", id: "zone-middle", onclick: () => this.put(this.part.page.map.getCenter()) }, t("Corner in the middle of the map")),
        el("button", { type: "button", id: "zone-done", onclick: () => { this.zone = null; this.part.page.taken = null; this.part.draw(); } }, t("Done")))];
    return el("details", { id: "zones", open, ontoggle: (event) => { this.open = event.target.open; } },
      el("summary", {}, t("Draw an on-demand zone")),
      drawn.length ? el("ul", { class: "list" }, drawn.map((one) => this.row(one))) : null,
      zone ? pencil() : el("button", { type: "button", id: "zone-new", onclick: () => this.start() }, t("New zone")));
  }
}
