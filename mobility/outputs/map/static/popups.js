// Pop-ups: a home, a stop, a gate, a shuttle stop.
let homeNames = null;

async function openHome(h) {
  if (!homeNames) homeNames = await jsonOf(manifest.homes.names);
  const commune = await intsOf(manifest.homes.commune);
  const scenario = state.scenario;
  const [out, back, zone, over, fix] = await Promise.all([arrayOf(scenario, "out", keyRow()),
    arrayOf(scenario, "back", keyRow()), arrayOf(scenario, "zone", zoneRow()),
    arrayOf(scenario, "over", keyRow()), arrayOf(scenario, "fix", zoneRow())]);
  const workers = homes.workers[h] / 10;
  const place = manifest.homes.communes[commune[h]];
  const body = [el("h3", {}, homeNames[h] || place),
    el("p", { class: "mb-pop-sub" }, [homeNames[h] ? place : "", t("{n} workers", { n: number(workers) })].filter(Boolean).join(" · "))];
  if (out) body.push(wayTable(out[h], back[h]));
  if (zone) body.push(statusLine(zone[h] & 3, zone[h] >> 2));
  if (fix && fix[h] > 0) {
    body.push(el("p", { class: "mb-fix" }, t("Minutes to fix: {text}", { text: fix[h] === NONE
      ? t("no move of a single trip or line makes this commute hold.")
      : t("moving one trip or line by {n} min makes this commute hold.", { n: fix[h] }) })));
  }
  if (!fix && zone && zone[h] & 3 && scenario === 0 && !isRoster()) {
    body.push(el("p", { class: "mb-note" }, t("Minutes to fix: see levers.html, which “mobility levers” writes.")));
  }
  if (over && over[h] !== NONE) {
    body.push(el("p", {}, over[h] > 0
      ? over[h] >= manifest.overtime_most
        ? t("After the shift one may stay at least {n} h more and still get home.", { n: number(manifest.overtime_most / 60) })
        : t("After the shift one may stay {n} min more and still get home.", { n: over[h] })
      : t("The least overtime misses the way home.")));
  }
  body.push(await dayMatrix(h));
  body.push(await examples(h, out && (out[h] !== NONE || back[h] !== NONE)));
  popup(homeCentre(h), body);
}

const homeCentre = (h) => unproject(homes.x[h], homes.y[h]);

function popup(latlng, body) {
  const box = el("div", { class: "mb-pop", lang: language }, body);
  const size = map.getSize(), top = document.querySelector(".mb-over-map").offsetHeight + 20;
  L.popup({ maxWidth: Math.min(400, size.x - 60), minWidth: 250, maxHeight: Math.max(200, size.y - top - 70),
    autoPanPaddingTopLeft: [10, top], autoPanPaddingBottomRight: [size.x < 600 ? 10 : 50, 10] })
    .setLatLng(latlng).setContent(box).openOn(map);
}

function wayTable(out, back) {
  const shift = isRoster() ? null : manifest.shifts[pickIndex()];
  const line = (name, minutes, from, to) => el("tr", {}, el("th", { scope: "row" }, t(name)),
    minutes === NONE ? el("td", { colspan: 2, class: "mb-none" }, t("No usable journey"))
      : [el("td", {}, t("{n} min", { n: minutes })), el("td", {}, shift ? t("{from} → {to}", { from, to }) : "")]);
  const start = shift ? shift.start : 0, end = shift ? shift.end : 0;
  return el("table", { class: "mb-ways" },
    el("caption", {}, modeName(state.mode) + (shift ? "" : " – " + t("the longest of the working days"))),
    el("tbody", {},
      line("Outbound", out, clock(start - 60 * out), clock(start)),
      line("Return", back, clock(end), clock(end + 60 * back))));
}

function statusLine(status, reason) {
  if (status === 0) return el("p", { class: "mb-ok" }, t("Served: not white"));
  return el("p", { class: "mb-bad" }, el("b", {}, t(["", "White: no way back (outbound only)",
    "White: no way there (return only)", "White: neither direction"][status])), el("br"),
  t("Binding reason: {reason}", { reason: t("reason " + REASONS[reason]) }));
}

// Shifts of the roster by kinds of day, in the chosen mode.
async function dayMatrix(h) {
  const shifts = shiftsOf(rosterOf(state.pick));
  const days = manifest.days.map((d, i) => i).filter((d) => shifts.some((s) => keyRow("s" + s, d) !== undefined));
  const cell = async (s, d) => {
    const row = keyRow("s" + s, d);
    if (row === undefined) return el("td", {}, "·");
    const [out, back] = await Promise.all([arrayOf(state.scenario, "out", row),
      arrayOf(state.scenario, "back", row)]);
    const c = out[h] !== NONE ? (back[h] !== NONE ? 0 : 1) : (back[h] !== NONE ? 2 : 3);
    return el("td", { class: "mb-c" + c }, el("span", { "aria-hidden": "true" }, "●→←○"[c]),
      el("span", { class: "mb-sr" }, t(["There and back", "Outbound only", "Return only", "Neither direction"][c])));
  };
  const rows = await Promise.all(shifts.map(async (s) => el("tr", {},
    el("th", { scope: "row" }, manifest.shifts[s].name + " " + clock(manifest.shifts[s].start)),
    await Promise.all(days.map((d) => cell(s, d))))));
  return el("table", { class: "mb-matrix" },
    el("caption", {}, t("Roster {name}: ● there and back, → outbound only, ← return only, ○ neither",
      { name: rosterLabel(manifest.rosters[rosterOf(state.pick)].name) })),
    el("thead", {}, el("tr", {}, el("td", {}), days.map((d) => el("th", { scope: "col" }, dayName(d))))),
    el("tbody", {}, rows));
}

// The journey of this home, else of the nearest home that has one, near or in its commune; else
// the command that finds it.
async function examples(h, holds) {
  if (isRoster() || state.scenario !== 0 || manifest.modes[state.mode] !== "transit") return null;
  const blob = manifest.itineraries[keyRow()];
  const [known, commune] = await Promise.all([blob === undefined ? [] : jsonOf(blob), intsOf(manifest.homes.commune)]);
  let best = null, nearest = Infinity;
  for (const trip of known) {
    const far = map.distance(homeCentre(h), homeCentre(trip[0]));
    if (far < nearest && (far <= 1500 || (holds && manifest.homes.communes[commune[h]] && commune[trip[0]] === commune[h]))) { nearest = far; best = trip; }
  }
  if (!best) return holds ? command(h) : null;
  const legs = (title, way) => (way.length ? el("div", {}, el("h4", {}, t(title)),
    el("ol", { class: "mb-legs" }, way.map(([kind, depart, arrive, from, to, line]) => [kind, depart,
      arrive, from || t("home"), to || t("home"), line]).map(([kind, depart, arrive, from, to, line]) => el("li", {},
      el("b", {}, depart + "–" + arrive), " ",
      kind === "ride" ? t("line {line}: {from} → {to}", { line, from, to })
        : kind === "wait" ? t("wait at {from}", { from }) : t("walk: {from} → {to}", { from, to }))))) : null);
  return el("details", { class: "mb-example", open: true },
    el("summary", {}, best[0] === h ? t("Example journey")
      : t("Example journey, from a home {n} m away", { n: number(Math.round(nearest / 10) * 10) })),
    legs("Outbound", best[1]), legs("Return", best[2]), best[0] === h || !holds ? null : await command(h));
}

async function command(h) {
  if (manifest.homes.ids === null) return null;
  const shift = manifest.shifts[pickIndex()], roster = manifest.rosters[shift.roster];
  const quoted = (text) => '"' + text.replace(/["\\$`]/g, "\\$&") + '"';
  const options = { home: (await jsonOf(manifest.homes.ids))[h], site: manifest.sites[roster.site].name,
    roster: roster.name, shift: shift.name, day: manifest.days[state.day].kind };
  return el("details", { class: "mb-command" }, el("summary", {}, t("The journey of this home, by command")),
    el("code", { tabindex: 0 }, "mobility itinerary territory.toml "
      + Object.entries(options).map(([name, value]) => "--" + name + " " + quoted(value)).join(" ")));
}

function openStop(s) {
  const trips = stops.trips.map((values, day) => el("tr", {}, el("th", { scope: "row" }, dayName(day)),
    el("td", {}, number(values[s]))));
  popup(unproject(stops.x[s], stops.y[s]), [el("h3", {}, stops.names[s]),
    el("table", { class: "mb-ways" }, el("caption", {}, t("Departures per day")), el("tbody", {}, trips))]);
}

function openSite(index) {
  const site = manifest.sites[index];
  const rows = picksOf(index).flatMap(({ roster, shifts }) => shifts.map((s) => {
    const shift = manifest.shifts[s];
    return el("tr", {}, el("th", { scope: "row" }, rosterLabel(manifest.rosters[roster].name)),
      el("td", {}, shift.name), el("td", {}, clock(shift.start) + "–" + clock(shift.end)),
      el("td", {}, shift.headcount ? t("{n} posts", { n: number(shift.headcount) }) : ""));
  }));
  const [lon, lat] = site.gates[0];
  popup(L.latLng(lat, lon), [el("h3", {}, site.name),
    site.employer ? el("p", { class: "mb-pop-sub" }, site.employer) : null,
    el("table", { class: "mb-ways" }, el("tbody", {}, rows)),
    el("button", { type: "button", class: "mb-small", onclick: () => { map.closePopup(); choose({ site: index }); } },
      t("Show this site"))]);
}

// Pixels between a place and a point of the map.
function distanceFrom(point) {
  const origin = map.getPixelOrigin(), world = 256 * Math.pow(2, map.getZoom());
  return (x, y) => Math.hypot(x * world - origin.x - point.x, y * world - origin.y - point.y);
}

// The Enter key: what stands in the middle of the map, else the nearest home in sight of it.
const NEAR_PX = 60;
async function openMiddle() {
  map.closePopup();
  document.getElementById("mb-said").textContent = "";
  await openAt(map.getCenter());
  if (map._popup && map._popup.isOpen()) return;
  const far = distanceFrom(map.latLngToLayerPoint(map.getCenter()));
  let best = -1, nearest = NEAR_PX;
  for (let h = 0; h < homes.n; h++) {
    const away = drawn(h) ? far(homes.x[h], homes.y[h]) : NEAR_PX;
    if (away < nearest) { best = h; nearest = away; }
  }
  if (best >= 0) await openHome(best);
  else document.getElementById("mb-said").textContent = t("No home near the middle of the map: move it with the arrow keys.");
}

// A click or the Enter key: the nearest thing drawn there.
async function openAt(latlng) {
  const far = distanceFrom(map.latLngToLayerPoint(latlng));
  for (const gate of gatePoints) if (far(gate.x, gate.y) < 13) return openSite(gate.site);
  const halt = planStopAt(far);
  if (halt) return openPlanStop(halt);
  if (state.layers.stops && stops.x) {
    for (let s = 0; s < stops.n; s++) if (far(stops.x[s], stops.y[s]) < 7) return openStop(s);
  }
  const h = homeAt(latlng);
  return h >= 0 ? openHome(h) : undefined;
}
