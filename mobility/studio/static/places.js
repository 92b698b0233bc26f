// Gates and the depot, moved on the map, then written into the territory file, which is read again.
import { handle } from "./markers.js";
import { ask, askJson, at, el, t, tell, toldBy } from "./words.js";

async function written(part, path, body) {
  try {
    await ask(at(part.study) + path, body);
    location.reload();
  } catch (error) { tell(toldBy(error), true); }
}

export function gatesPart(part) {
  if (!part.about.own) return null;
  const button = el("button", { type: "button", id: "gates" }, t(part.gates ? "Write the gates" : "Move the gates"));
  button.addEventListener("click", async () => {
    const { sites } = part.sites || (part.sites = await askJson(at(part.study) + "/data"));
    if (!part.gates) {
      part.gates = sites.map((site) => site.gates.map(([lon, lat], k) => {
        const gate = { lon, lat }, name = site.gates.length > 1 ? site.name + " " + (k + 1) : site.name;
        handle(part, part.page.map, gate, { name, className: "studio-gate", size: 26 }, (place) => Object.assign(gate, place));
        return gate;
      }));
      part.draw();
      return;
    }
    const moved = sites.map((site, s) => ({ ...site, gates: site.gates.map((gate, k) => {
      const { lon, lat } = part.gates[s][k];
      return Math.hypot(lon - gate[0], lat - gate[1]) < 1e-5 ? gate : [lon, lat];
    }) }));
    await written(part, "/sites", { sites: moved, seen: sites });
  });
  return el("div", { class: "buttons" }, button, part.gates ? el("small", {}, t("Drag them on the map, or move them with the arrow keys, then write them.")) : null);
}

export function depotPart(part) {
  if (!part.about.own) return null;
  const { depot } = part.about.settings;
  const button = el("button", { type: "button", id: "depot", onclick: () => {
    if (part.depot) { written(part, "/depot", { depot: [part.depot.lon, part.depot.lat] }); return; }
    const { lng, lat } = depot ? { lng: depot[0], lat: depot[1] } : part.page.map.getCenter();
    part.depot = { lon: lng, lat };
    handle(part, part.page.map, part.depot, { name: t("Depot of the shuttles"), className: "studio-depot", size: 26 }, (place) => Object.assign(part.depot, place));
    part.draw();
  } }, t(part.depot ? "Write the depot" : "Place the depot of the shuttles"));
  return el("div", { class: "buttons" }, button,
    depot ? el("button", { type: "button", id: "depot-none", onclick: () => written(part, "/depot", { depot: null }) }, t("No depot: vehicles start at the gates")) : null,
    part.depot ? el("small", {}, t("Drag it on the map, or move it with the arrow keys, then write it.")) : null);
}
