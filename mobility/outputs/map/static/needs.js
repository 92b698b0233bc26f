// A page of one need: layers to switch over the streets, tables beside them.
(function () {
  const { data, map, element, popup, legend } = side;
  side.streets(data.streets, { color: "#c9cfd4", weight: 1 }).addTo(map);

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

  element("p", data.note);
  element("h2", data.shown);
  for (const layer of data.layers) legend(layer.name, { ...layer, layer: drawn(layer) });
  legend(data.gates_name, { colour: "#f2b134", layer: gates, shown: true });

  for (const table of data.tables) {
    // The column keeps its width: a wide table is moved in a box of its own, below what it tells.
    element("p", table.caption).className = "caption";
    const box = element("div", "");
    box.className = "wide";
    box.tabIndex = 0;
    const made = element("table", "", box);
    made.setAttribute("aria-label", table.caption);
    const head = made.insertRow();
    for (const text of table.heads) element("th", text, head).scope = "col";
    for (const cells of table.rows) {
      const line = made.insertRow();
      cells.forEach((text, k) => { element("td", text, line).className = table.numeric[k] ? "number" : text.length > 24 ? "long" : ""; });
    }
  }
  map.invalidateSize();  // tables widen the column
  map.fitBounds(data.bounds, { padding: [10, 10] });
})();
