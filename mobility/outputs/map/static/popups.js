// What was clicked, told in the panel: a home, a stop, a gate, a line, a shuttle stop.
let homeNames = null;
const card = { at: null, again: null, home: -1 };

async function openHome(h) {
  if (!homeNames) homeNames = await jsonOf(manifest.homes.names);
  const commune = await intsOf(manifest.homes.commune);
  const scenario = state.scenario;
  const [out, back, zone, over, fix] = await Promise.all([arrayOf(scenario, "out", keyRow()),
    arrayOf(scenario, "back", keyRow()), arrayOf(scenario, "zone", zoneRow()),
    arrayOf(scenario, "over", keyRow()), arrayOf(scenario, "fix", zoneRow())]);
  const workers = homes.workers[h] / manifest.homes.per;
  const place = manifest.homes.communes[commune[h]];
  // A number is no name of a place.
  const title = (/\d/.test(homeNames[h]) ? "" : homeNames[h]) || place || nearPlace(h);
  const body = [el("h3", {}, title),
    el("p", { class: "mb-pop-sub" }, [homeNames[h] && place !== title ? place : "", homeNames[h] !== title ? homeNames[h] : "",
      t("{n} {people}", { n: number(Math.round(workers * 10) / 10), people: people() })].filter(Boolean).join(" · "))];
  if (out) body.push(wayTable(out[h], back[h]));
  if (zone) body.push(statusLine(zone[h] & 3, zone[h] >> 2));
  if (fix && fix[h] > 0) {
    body.push(el("p", { class: "mb-fix" }, t("Minutes to fix: {text}", { text: fix[h] === NONE
      ? t("no move of a single trip or line makes this commute hold.")
      : t("moving one trip or line by {n} min makes this commute hold.", { n: fix[h] }) })));
  }
  if (over && over[h] !== NONE) {
    body.push(el("p", {}, over[h] > 0
      ? over[h] >= manifest.overtime_most
        ? t("After the shift one may stay at least {n} h more and still get home.", { n: number(manifest.overtime_most / 60) })
        : t("After the shift one may stay {n} min more and still get home.", { n: over[h] })
      : t("The least overtime misses the way home.")));
  }
  body.push(await journey(h, out && [out[h] !== NONE, back[h] !== NONE]));
  body.push(await dayMatrix(h));
  popup(homeCentre(h), body, () => openHome(h), h);
}

// The nearest named place of a home without a name.
function nearPlace(h) {
  let best = "", least = Infinity;
  for (const place of ground.places) {
    const far = Math.hypot(place.x - homes.x[h], place.y - homes.y[h]);
    if (far < least) { least = far; best = place.name; }
  }
  return best ? t("Near {place}", { place: best }) : t("This home");
}

const homeCentre = (h) => unproject(homes.x[h], homes.y[h]);

// In the panel, in sight: it covers neither legend nor scale.
function popup(latlng, body, again = null, home = -1) {
  const box = document.getElementById("mb-card"), known = card.again && !box.hidden && home >= 0 && card.home === home;
  Object.assign(card, { at: latlng, again, home });
  box.replaceChildren(el("button", { type: "button", class: "mb-close", "aria-label": t("Close"), onclick: closeCard }, "×"), ...body.filter(Boolean));
  box.lang = language;
  box.hidden = false;
  if (!known) box.scrollIntoView({ block: window.innerWidth > 760 ? "nearest" : "end" });
  layers.top.redraw();
}

function closeCard() {
  document.getElementById("mb-card").hidden = true;
  Object.assign(card, { at: null, again: null, home: -1 });
  if (layers.top) layers.top.redraw();
}

function paintCard(ctx, view) {
  if (!card.at) return;
  const x = view.px(mercatorX(card.at.lng * 1e5)), y = view.py(mercatorY(card.at.lat * 1e5));
  for (const [colour, width] of [["#ffffff", 6], ["#b3261e", 3]]) {
    ctx.beginPath();
    ctx.arc(x, y, 13, 0, 6.2832);
    ctx.strokeStyle = colour; ctx.lineWidth = width; ctx.stroke();
  }
}

// Times between home and shift, the minutes between gate and work station told apart.
function wayTable(out, back) {
  const shift = isRoster() ? null : manifest.shifts[pickIndex()], [inMin, outMin] = manifest.sites[state.site].margins;
  const line = (name, minutes, from, to) => el("tr", {}, el("th", { scope: "row" }, t(name)),
    minutes === NONE ? el("td", { colspan: 2, class: "mb-none" }, t("No usable journey"))
      : [el("td", {}, t("{n} min", { n: minutes })), el("td", {}, shift ? t("{from} → {to}", { from, to }) : "")]);
  const start = shift ? shift.start : 0, end = shift ? shift.end : 0;
  return el("div", {}, el("table", { class: "mb-ways" },
    el("caption", {}, modeName(state.mode) + (shift ? "" : " – " + t("the longest of the working days"))),
    el("tbody", {},
      line("Outbound", out, clock(start - 60 * out), clock(start)),
      line("Return", back, clock(end), clock(end + 60 * back)))),
  out === NONE && back === NONE ? null : el("p", { class: "mb-note" }, t("These times hold the {inside} min between the gate and the work station before the shift, and the {outside} min back to the gate after it.",
    { inside: number(inMin), outside: number(outMin) })));
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
    el("th", { scope: "row" }, shiftName(manifest.shifts[s].name) + " " + clock(manifest.shifts[s].start)),
    await Promise.all(days.map((d) => cell(s, d))))));
  return el("table", { class: "mb-matrix" },
    el("caption", {}, t("Roster {name}: ● there and back, → outbound only, ← return only, ○ neither",
      { name: rosterLabel(manifest.rosters[rosterOf(state.pick)].name) })),
    el("thead", {}, el("tr", {}, el("td", {}), days.map((d) => el("th", { scope: "col" }, dayName(d))))),
    el("tbody", {}, rows));
}

// The journey of this home and no other's; where a direction has none, what is missing.
async function journey(h, held) {
  if (isRoster()) return el("p", { class: "mb-note" }, t("Choose a shift to read the journey, hour by hour."));
  if (!held || state.scenario !== 0 || manifest.modes[state.mode] !== "transit") return null;
  const blob = manifest.itineraries[keyRow()], known = blob === undefined ? null : await jsonOf(blob);
  const own = known && known.homes.find((home) => home[0] === h);
  const way = (title, holds, chain, leaves, arrives, outbound) => {
    if (!holds) return el("div", {}, el("h4", {}, t(title)), el("p", { class: "mb-bad" }, t("No usable journey within the limits at this hour.")));
    if (!own || chain < 0) return null;
    const legs = known.chains[chain].map((leg) => [...leg]), gate = manifest.sites[state.site].name;
    if (leaves && outbound) legs.unshift(["walk", leaves, arrives, "", legs.length ? legs[0][3] : gate, ""]);
    if (leaves && !outbound) legs.push(["walk", leaves, arrives, legs.length ? legs[legs.length - 1][4] : gate, "", ""]);
    return el("div", {}, el("h4", {}, t(title)), el("ol", { class: "mb-legs" }, legs.map(([kind, depart, arrive, from, to, line]) => el("li", {},
      el("b", {}, depart + "–" + arrive), " ",
      kind === "ride" ? t("line {line}: {from} → {to}", { line, from: from || t("home"), to: to || t("home") })
        : kind === "wait" ? t("wait at {from}", { from: from || t("home") })
          : t("walk: {from} → {to}", { from: from || t("home"), to: to || t("home") })))));
  };
  const parts = [way("Outbound", held[0], ...(own ? own.slice(1, 4) : [-1, "", ""]), true),
    way("Return", held[1], ...(own ? own.slice(4, 7) : [-1, "", ""]), false)].filter(Boolean);
  if (!own && (held[0] || held[1])) parts.push(el("p", { class: "mb-note" }, t("The journey of this home is not kept in this page; its times above hold.")));
  return el("details", { class: "mb-example", open: true }, el("summary", {}, t("Journey of this home")), parts);
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
      el("td", {}, shiftName(shift.name)), el("td", {}, clock(shift.start) + "–" + clock(shift.end)),
      el("td", {}, shift.headcount ? t("{n} posts", { n: number(shift.headcount) }) : ""));
  }));
  const [lon, lat] = site.gates[0];
  popup(L.latLng(lat, lon), [el("h3", {}, site.name),
    site.employer ? el("p", { class: "mb-pop-sub" }, site.employer) : null,
    el("table", { class: "mb-ways" }, el("tbody", {}, rows)),
    el("button", { type: "button", class: "mb-small", onclick: () => choose({ site: index }) },
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
  closeCard();
  document.getElementById("mb-said").textContent = "";
  await openAt(map.getCenter());
  if (card.at) { document.getElementById("mb-card").focus(); return; }
  const far = distanceFrom(map.latLngToLayerPoint(map.getCenter()));
  let best = -1, nearest = NEAR_PX;
  for (let h = 0; h < homes.n; h++) {
    const away = drawn(h) ? far(homes.x[h], homes.y[h]) : NEAR_PX;
    if (away < nearest) { best = h; nearest = away; }
  }
  if (best >= 0) { await openHome(best); document.getElementById("mb-card").focus(); } else document.getElementById("mb-said").textContent = t("No home near the middle of the map: move it with the arrow keys.");
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
  const drive = planLineAt(latlng);
  if (drive >= 0) return openPlanLine(drive);
  const line = lineAt(latlng);
  if (line >= 0) return openLine(line);
  const h = homeAt(latlng);
  return h >= 0 ? openHome(h) : closeCard();
}
