// Something on the map that is dragged, or moved with the arrow keys.
const STEP = 8; // pixels a key

// What the keys moved last: drawn anew, it has the focus again.
let moving = "";

export function handle(part, layer, { lon, lat }, { name, className, size }, put, hold = () => {}) {
  const { leaflet, page: { map } } = part;
  const marker = leaflet.marker([lat, lon], { draggable: true, title: name, alt: name,
    icon: leaflet.divIcon({ className, html: "", iconSize: [size, size] }) });
  const done = () => {
    hold(false);
    const place = marker.getLatLng();
    put({ lon: Number(place.lng.toFixed(5)), lat: Number(place.lat.toFixed(5)) });
  };
  marker.on("dragstart", () => { moving = ""; hold(true); });
  marker.on("dragend", done);
  layer.addLayer(marker);
  const node = marker.getElement();
  let timer = 0;
  node.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (event.key === "Tab") moving = "";
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    moving = name;
    hold(true);
    marker.setLatLng(map.containerPointToLatLng(map.latLngToContainerPoint(marker.getLatLng()).add(by)));
    clearTimeout(timer);
    timer = setTimeout(done, 400);
  });
  if (moving === name && document.activeElement && document.activeElement.tagName === "IFRAME") node.focus();
  return marker;
}
