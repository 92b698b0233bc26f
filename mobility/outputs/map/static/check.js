// The page of `mobility check --html`: layers to switch, findings to zoom to.
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const map = L.map("map", { preferCanvas: true, zoomSnap: 0.25, attributionControl: false });
  const say = (name) => data.texts[name];
  const marked = L.layerGroup().addTo(map);

  // Texts of the data are put in as text, never as markup.
  function popup(title, lines) {
    const box = document.createElement("div");
    const head = document.createElement("strong");
    head.textContent = title;
    box.append(head);
    for (const line of lines) {
      const row = document.createElement("div");
      row.textContent = line;
      box.append(row);
    }
    return box;
  }

  // Flat [lat, lon, step, step, ...] in hundred-thousandths to points.
  function path(flat) {
    const points = [];
    let lat = 0, lon = 0;
    for (let i = 0; i < flat.length; i += 2) {
      lat += flat[i];
      lon += flat[i + 1];
      points.push([lat / 1e5, lon / 1e5]);
    }
    return points;
  }

  const ink = ["#1a7f5a", "#3b6fb5", "#b3261e"];
  const layers = [
    ["streets", "#c9cfd4", data.streets.length, () => L.polyline(data.streets.map(path), { color: "#c9cfd4", weight: 1, interactive: false })],
    ["cut", "#b3261e", data.cut.length, () => L.polyline(data.cut.map(path), { color: "#b3261e", weight: 3, interactive: false })],
    ["lines", "#7a4fa3", data.lines.length, () => L.layerGroup(data.lines.map((line) =>
      L.polyline(path(line.path), { color: "#7a4fa3", opacity: 0.55, weight: 1 + Math.min(7, Math.sqrt(line.trips) / 2) })
        .bindPopup(() => popup(line.name, [say("trips") + line.trips, line.hours])))) ],
    ["homes", null, data.homes.length, () => L.layerGroup(data.homes.map(([lat, lon, workers, kind]) =>
      L.circleMarker([lat / 1e5, lon / 1e5], { radius: 2 + Math.min(6, Math.sqrt(workers) / 6), stroke: false, fillOpacity: 0.6, fillColor: ink[kind] })
        .bindPopup(() => popup(say("reach" + kind), [say("workers") + workers])))) ],
    ["stops", "#17212a", data.stops.length, () => L.layerGroup(data.stops.map(([lat, lon, name, calls]) =>
      L.circleMarker([lat / 1e5, lon / 1e5], { radius: 1.5 + Math.min(7, Math.sqrt(calls) / 5), color: "#17212a", weight: 1, fillColor: calls ? "#fff" : "#b3261e", fillOpacity: 1 })
        .bindPopup(() => popup(name, [say("departures") + calls])))) ],
    ["gates", "#d97706", data.gates.length, () => L.layerGroup(data.gates.map((gate) =>
      L.circleMarker(gate.at, { radius: 9, color: "#17212a", weight: 2, fillColor: gate.stops.length ? "#f2b134" : "#b3261e", fillOpacity: 1 })
        .bindPopup(() => popup(gate.site, [say("in_reach") + gate.count, ...gate.stops])))) ],
  ];

  document.getElementById("layers-title").textContent = say("layers");
  for (const [name, colour, count, make] of layers) {
    if (!count) continue;
    const label = document.createElement("label");
    const box = document.createElement("input");
    const layer = make();
    box.type = "checkbox";
    box.checked = name !== "lines";
    if (box.checked) layer.addTo(map);
    box.addEventListener("change", () => (box.checked ? layer.addTo(map) : layer.remove()));
    label.append(box);
    const swatch = document.createElement("i");
    if (colour) swatch.style.background = colour;
    label.append(swatch, `${say(name)} (${count.toLocaleString(document.documentElement.lang)})`);
    document.getElementById("layers").append(label);
    if (name === "homes") {
      ink.forEach((each, kind) => {
        const line = document.createElement("label");
        const dot = document.createElement("i");
        dot.style.background = each;
        line.append(dot, say("reach" + kind));
        document.getElementById("layers").append(line);
      });
    }
  }

  document.getElementById("findings-title").textContent = say("findings");
  for (const finding of data.findings) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.className = finding.severity;
    button.textContent = finding.text;
    button.disabled = !finding.at.length;
    button.addEventListener("click", () => {
      marked.clearLayers();
      for (const point of finding.at) L.circleMarker(point, { radius: 16, color: "#d97706", weight: 4, fill: false, interactive: false }).addTo(marked);
      map.fitBounds(L.latLngBounds(finding.at), { maxZoom: 16, padding: [60, 60] });
    });
    row.append(button);
    document.getElementById("findings").append(row);
  }
  map.fitBounds(data.bounds);
})();
