// The page of `mobility check --html`: layers to switch, findings to zoom to.
(function () {
  const { data, map, element, popup, path, streets, legend } = side;
  const say = (name) => data.texts[name];
  const marked = L.layerGroup().addTo(map);

  element("h2", say("findings"));
  const findings = element("ul", "");
  for (const finding of data.findings) {
    const button = element("button", finding.text, element("li", "", findings));
    button.className = finding.severity;
    button.disabled = !finding.at.length;
    button.addEventListener("click", () => {
      marked.clearLayers();
      for (const point of finding.at) L.circleMarker(point, { radius: 16, color: "#d97706", weight: 4, fill: false, interactive: false }).addTo(marked);
      map.fitBounds(L.latLngBounds(finding.at), { maxZoom: 16, padding: [60, 60] });
    });
  }

  const ink = ["#1a7f5a", "#3b6fb5", "#b3261e"];
  const layers = [
    ["streets", "#c9cfd4", data.streets.length, () => streets(data.streets, { color: "#c9cfd4", weight: 1 })],
    ["cut", "#b3261e", data.cut.length, () => streets(data.cut, { color: "#b3261e", weight: 3 })],
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

  element("h2", say("layers"));
  for (const [name, colour, count, make] of layers) {
    if (!count) continue;
    const title = `${say(name)} (${count.toLocaleString(document.documentElement.lang)})`;
    legend(title, { colour, layer: make(), shown: name !== "lines" });
    if (name === "homes") ink.forEach((each, kind) => legend(say("reach" + kind), { colour: each }));
  }
  map.fitBounds(data.bounds);
})();
