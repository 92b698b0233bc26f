// The map of many territories: one shape each, coloured by a kind of roster; a table beside it.
(function () {
  const { data, map, element } = side;
  let kind = data.kinds[0].key, view = data.views[0];

  function popup(place) {
    const box = side.popup(place.name, place.kinds[kind].lines);
    if (place.map) element("a", data.open, box).href = place.map;
    return box;
  }

  function style(place) {
    const value = place.kinds[kind][view.key];
    if (value === null) return { color: "#5c6670", weight: 1, dashArray: "4 4", fillColor: "#c9cfd4", fillOpacity: 0.6 };
    const found = view.classes.find((one) => value < one.end) || view.classes[view.classes.length - 1];
    return { color: "#17212a", weight: 1, dashArray: null, fillColor: found.colour, fillOpacity: 0.85 };
  }

  // Few shapes, each a thing of its own to a browser.
  const shapes = new Map(), renderer = L.svg();
  for (const place of data.territories) {
    if (!place.shape) continue;
    const shape = L.geoJSON({ type: "Feature", geometry: place.shape, properties: {} }, { renderer });
    shape.bindPopup(() => popup(place), { maxWidth: 340 }).bindTooltip(() => element("span", `${place.name} – ${place.kinds[kind].text}`, document.createElement("div")));
    shapes.set(place, shape.addTo(map));
  }

  function choice(group, entries, chosen) {
    for (const entry of entries) {
      const label = element("label", ""), box = document.createElement("input");
      Object.assign(box, { type: "radio", name: group, checked: entry === entries[0], value: entry.key });
      box.addEventListener("change", () => { chosen(entry); draw(); });
      label.append(box, " ", entry.name);
    }
  }

  function classes() {
    const box = document.createElement("div");
    for (const one of [...view.classes, { colour: "#c9cfd4", name: data.none, dashed: true }]) {
      const line = element("p", "", box), swatch = document.createElement("i");
      Object.assign(swatch.style, { background: one.colour, borderStyle: one.dashed ? "dashed" : "solid", borderWidth: "1px", borderColor: "currentColor" });
      line.append(swatch, one.name);
    }
    return box;
  }

  function table() {
    const made = document.createElement("table"), head = made.insertRow();
    for (const text of data.heads) element("th", text, head).scope = "col";
    const order = (place) => place.kinds[kind].rank ?? Infinity;
    for (const place of [...data.territories].sort((a, b) => order(a) - order(b) || 0)) {
      const row = made.insertRow(), told = place.kinds[kind];
      element("td", told.rank ?? "–", row).className = "number";
      const cell = row.insertCell(), shape = shapes.get(place);
      if (shape) {
        const link = element("a", place.name, cell);
        link.href = "#map";
        link.addEventListener("click", () => { map.fitBounds(shape.getBounds(), { maxZoom: 9 }); shape.openPopup(); });
      } else element("span", place.name, cell);
      element("td", told.text, row).className = "number";
    }
    return made;
  }

  function draw() {
    for (const [place, shape] of shapes) shape.setStyle(style(place));
    shown.replaceChildren(classes(), table());
  }

  element("p", data.note);
  choice("kind", data.kinds, (entry) => { kind = entry.key; });
  if (data.views.length > 1) {
    element("hr", "");
    choice("view", data.views, (entry) => { view = entry; });
  }
  const shown = element("div", "");
  draw();
  const all = L.featureGroup([...shapes.values()]).getBounds();
  map.fitBounds(all.isValid() ? all : [[41.2, -5.5], [51.3, 9.8]], { padding: [10, 10] });
})();
