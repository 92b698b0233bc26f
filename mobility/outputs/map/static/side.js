// A map with a column beside it: what its pages share. Texts of the data are put in as text,
// never as markup.
"use strict";
const side = (function () {
  const column = document.getElementById("side");
  const data = JSON.parse(document.getElementById("data").textContent);
  const map = L.map("map", { preferCanvas: true, zoomSnap: 0.25, attributionControl: false });

  function element(name, text, parent = column) {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
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

  const streets = (paths, style) => L.polyline(paths.map(path), { interactive: false, ...style });

  // A line of the legend; with a layer, a box that switches it.
  function legend(name, { colour, dashed, layer, shown }) {
    const label = element("label", "");
    if (layer) {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = shown;
      if (shown) layer.addTo(map);
      box.addEventListener("change", () => (box.checked ? layer.addTo(map) : layer.remove()));
      label.append(box);
    }
    const swatch = document.createElement("i");
    if (colour) swatch.style.background = colour;
    if (layer && colour) swatch.style.borderColor = "currentColor";
    if (dashed) swatch.style.borderStyle = "dashed";
    label.append(swatch, name);
  }

  return { data, map, element, popup, path, streets, legend };
})();
