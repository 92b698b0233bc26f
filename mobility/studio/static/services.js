// A line of the timetables: its first and last departures, a stop more on its way.
import { handle } from "./markers.js";
import { askJson, at, el, fill, number, t } from "./words.js";

export class Services {
  constructor(part) {
    this.part = part;
    this.stop = null;
    this.held = false;
    this.known = { day: null, lines: [] };
    this.shapes = part.leaflet.layerGroup().addTo(part.page.map);
  }

  get changes() { return (this.part.trying || this.part.about).draft.changes || {}; }

  // Stops put on the way of lines, each once: every leg that passes one has a change of its own.
  get stops() {
    const found = new Map();
    for (const { line, how, from_stop: from, stops } of this.changes.lines || []) {
      for (const stop of how === "reroute" && from ? stops : []) {
        if (stop.name) found.set(line + "/" + stop.name, { line, ...stop });
      }
    }
    return [...found.values()];
  }

  nameOf(line) { return (this.known.lines.find((one) => one.line === line) || { name: line }).name; }

  said(stop) { return t("Stop {name} on line {line}", { name: stop.name, line: this.nameOf(stop.line) }); }

  drop() { this.stop = null; }

  put(place) {
    Object.assign(this.stop, place);
    this.show();
    return this.part.step({ do: "stop", ...this.stop }, true);
  }

  start(line) {
    const names = new Set(this.stops.map((stop) => stop.name)), name = (k) => t("New stop {k}", { k });
    let k = 1;
    while (names.has(name(k))) k += 1;
    this.take({ line, name: name(k) });
  }

  take(stop) {
    this.part.pencil(this);
    this.stop = stop;
    this.part.draw();
  }

  show() {
    if (this.held) return;
    const { leaflet, page } = this.part, { stop } = this;
    if (stop) page.taken = ({ lng, lat }) => this.put({ lon: Number(lng.toFixed(5)), lat: Number(lat.toFixed(5)) });
    this.shapes.clearLayers();
    for (const one of this.stops) {
      if (stop && one.line === stop.line && one.name === stop.name) continue;
      this.shapes.addLayer(leaflet.circleMarker([one.lat, one.lon], { radius: 7, color: "#0b5c7a", weight: 3, fillColor: "#fff", fillOpacity: 1, interactive: false }));
    }
    if (stop && stop.lon !== undefined) {
      handle(this.part, this.shapes, stop, { name: this.said(stop), className: "studio-stop", size: 22 }, (place) => this.put(place), (held) => { this.held = held; });
    }
  }

  // One end of a line's day: the trip moved, or run once more, so many minutes further out.
  end(id, label, { trip, time }, sign) {
    const how = this.more ? "add" : "move", other = this.more ? "move" : "add";
    const minutes = () => Math.max(0, sign * (this.part.tripRow(trip, how) || { minutes: 0 }).minutes);
    const steps = (by, kind = how, left = other) => [{ do: "trips", trips: [trip], how: left, minutes: 0 }, { do: "trips", trips: [trip], how: kind, minutes: sign * by }];
    return { minutes, steps, slider: this.part.slider(id, t(label, { time }), minutes, number, [0, 120, 5], 0, (by) => steps(by)) };
  }

  ends({ first, last }) {
    const ends = [this.end("line-first", "First departure ({time}), earlier by (min)", first, -1),
      this.end("line-last", "Last departure ({time}), later by (min)", last, 1)];
    const turned = ({ target }) => {
      const was = this.more ? "add" : "move", now = target.checked ? "add" : "move";
      this.more = target.checked;
      const steps = ends.filter((end) => end.minutes()).flatMap((end) => end.steps(end.minutes(), now, was));
      if (steps.length) this.part.step(steps, true); else this.part.draw();
    };
    return [ends.map((end) => end.slider), el("label", { class: "check" }, el("input", { type: "checkbox", id: "line-more", checked: this.more, onchange: turned }), t("As one run more: the present one stays"))];
  }

  stopPart(line) {
    if (!line.stops) return el("p", { class: "note" }, t("A stop is added to buses that keep a timetable only."));
    if (!this.stop) return el("button", { type: "button", id: "stop-new", onclick: () => this.start(line.line) }, t("A stop more on this line"));
    return [el("p", { class: "note" }, t("{stop}: click on the map where buses shall call; drag it, or move it with the arrow keys.", { stop: this.said(this.stop) })),
      el("div", { class: "buttons" },
        el("button", { type: "button", id: "stop-middle", onclick: () => {
          const { lng, lat } = this.part.page.map.getCenter();
          this.put({ lon: Number(lng.toFixed(5)), lat: Number(lat.toFixed(5)) });
        } }, t("Stop in the middle of the map")),
        el("button", { type: "button", id: "stop-done", onclick: () => { this.drop(); this.part.page.taken = null; this.part.draw(); } }, t("Done")))];
  }

  row(stop) {
    return el("li", {}, this.said(stop), " ",
      el("button", { type: "button", class: "small", onclick: () => this.take({ ...stop }) }, t("Change")),
      el("button", { type: "button", class: "small", onclick: () => this.part.step({ do: "stop", line: stop.line, name: stop.name }, true) }, t("Delete")));
  }

  choice(lines) {
    const line = lines.find((one) => one.line === (this.stop ? this.stop.line : this.line)) || lines[0];
    const way = line.ways[this.way] || line.ways[0];
    const pick = (id, value, options, take) => {
      const select = el("select", { id, onchange: () => { take(select.value); this.part.draw(); } }, options);
      select.value = value;
      return select;
    };
    return [el("label", { for: "line" }, t("Line")),
      pick("line", line.line, lines.map((one) => el("option", { value: one.line }, one.name + " (" + one.ways.map((w) => w.to).join(" – ") + ")")),
        (value) => { this.drop(); this.part.page.taken = null; this.line = value; this.way = 0; }),
      line.ways.length > 1 ? [el("label", { for: "way" }, t("Direction")), pick("way", String(line.ways.indexOf(way)), line.ways.map((one, k) => el("option", { value: String(k) }, "→ " + one.to)), (value) => { this.way = Number(value); })] : null,
      this.ends(way), this.stopPart(line)].flat();
  }

  fold() {
    const { page, study } = this.part, box = el("div", {}), { day } = page.state;
    const show = async () => {
      if (!(this.open || this.stop) || box.childElementCount) return;
      if (this.known.day !== day) this.known = { day, ...await askJson(at(study) + "/lines?day=" + day) };
      const { lines } = this.known;
      fill(box, lines.length ? this.choice(lines) : el("p", { class: "note" }, t("No line runs on this kind of day.")),
        this.stops.length ? el("ul", { class: "list" }, this.stops.map((stop) => this.row(stop))) : null);
    };
    const fold = el("details", { id: "services", open: this.open || Boolean(this.stop), ontoggle: (event) => { this.open = event.target.open; show(); } },
      el("summary", {}, t("A line: first and last departures, a stop more")), box);
    show();
    return fold;
  }
}
