// A page of one need: layers to switch over the streets, tables beside them.
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const map = L.map("map", { preferCanvas: true, zoomSnap: 0.25, attributionControl: false });

  // Texts of the data are put in as text, never as markup.
  function element(name, text, parent) {
    const made = document.createElement(name);
    made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  function popup(title, lines) {
    const box = document.createElement("div");
    element("strong", title, box);
    for (const line of lines) element("div", line, box);
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

  L.polyline(data.streets.map(path), { color: "#c9cfd4", weight: 1, interactive: false }).addTo(map);

  function drawn(layer) {
    const filled = (type) => type.endsWith("Polygon");
    return L.geoJSON({ type: "FeatureCollection", features: layer.features }, {
      style: (feature) => feature.geometry.type === "Point" ? {} : ({
        color: layer.colour, weight: filled(feature.geometry.type) ? 0.5 : feature.properties.size || 4,
        fillOpacity: 0.8, dashArray: layer.dashed ? "6 6" : null,
      }),
      pointToLayer: (feature, at) => L.circleMarker(at, {
        radius: feature.properties.size || 6, color: "#17212a", weight: 1.5,
        fillColor: layer.colour, fillOpacity: 0.9, dashArray: layer.dashed ? "3 3" : null,
      }),
      onEachFeature: (feature, shape) => {
        const said = feature.properties;
        if (said.title) shape.bindPopup(() => popup(said.title, (said.lines || "").split("\n")));
      },
    });
  }

  const gates = L.layerGroup(data.gates.map((gate) =>
    L.circleMarker(gate.at, { radius: 8, color: "#17212a", weight: 2, fillColor: "#f2b134", fillOpacity: 1 })
      .bindPopup(() => popup(gate.site, []))));

  function row(name, colour, dashed, shown, layer) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = shown;
    if (shown) layer.addTo(map);
    box.addEventListener("change", () => (box.checked ? layer.addTo(map) : layer.remove()));
    const swatch = document.createElement("i");
    swatch.style.background = colour;
    if (dashed) swatch.style.borderStyle = "dashed";
    label.append(box, swatch, name);
    document.getElementById("layers").append(label);
  }

  element("span", data.note, document.getElementById("note"));
  document.getElementById("layers-title").textContent = data.shown;
  for (const layer of data.layers) row(layer.name, layer.colour, layer.dashed, layer.shown, drawn(layer));
  row(data.gates_name, "#f2b134", false, true, gates);

  for (const table of data.tables) {
    const made = element("table", "", document.getElementById("tables"));
    element("caption", table.caption, made);
    const head = made.insertRow();
    for (const text of table.heads) element("th", text, head).scope = "col";
    for (const cells of table.rows) {
      const line = made.insertRow();
      cells.forEach((text, k) => { element("td", text, line).className = table.numeric[k] ? "number" : ""; });
    }
  }
  map.fitBounds(data.bounds, { padding: [10, 10] });
})();
