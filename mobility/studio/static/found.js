// What stands in the timetables already, and what a search advised, to be tried.
import { askJson, at, el, fill, language, signed, t } from "./words.js";

// Trips at the gate of the shift shown: one is chosen, then moved, run once more or taken out.
export function tripsPart(part) {
  const { pick, day } = part.page.state;
  if (pick[0] !== "s") return null;
  const key = pick + "/" + day, box = el("div", {});
  const fold = el("details", { id: "trips", open: part.tripsOpen, ontoggle: (event) => { part.tripsOpen = event.target.open; show(); } },
    el("summary", {}, t("Buses and trains at the gate")), box);
  const show = async () => {
    if (!part.tripsOpen || box.childElementCount) return;
    if (!part.trips || part.trips.key !== key) {
      part.trips = { key, list: await askJson(at(part.study) + "/trips?shift=" + pick.slice(1) + "&day=" + day) };
    }
    const { list } = part.trips;
    for (const one of list) part.tripNames.set(one.trip, [one.line, one.time, "(" + one.trip + ")"].filter(Boolean).join(" "));
    if (!list.length) { fill(box, el("p", { class: "note" }, t("None stops within walking reach around these hours."))); return; }
    if (!list.some((one) => one.trip === part.trip)) part.trip = list[0].trip;
    const name = (one) => [one.time, one.line, one.headsign && "→ " + one.headsign, "(" + one.stop + ")"].filter(Boolean).join(" ");
    const group = (label, back) => el("optgroup", { label }, list.filter((one) => one.returning === back).map((one) => el("option", { value: one.trip }, name(one))));
    const choice = el("select", { id: "trip", onchange: () => { part.trip = choice.value; part.draw(); } }, group(t("before work"), false), group(t("after work"), true));
    choice.value = part.trip;
    const moved = () => (part.tripRow(part.trip, "move") || { minutes: 0 }).minutes;
    const step = (how) => (minutes) => ({ do: "trips", trips: [part.trip], how, minutes });
    fill(box, el("label", { for: "trip" }, t("Trip")), choice,
      part.slider("trip-move", t("Moved by (min)"), moved, signed, [-60, 60, 5], 0, step("move")),
      el("div", { class: "buttons" },
        el("button", { type: "button", id: "trip-again", onclick: () => part.step(step("add")(15), true) }, t("Once more, 15 min later")),
        el("button", { type: "button", id: "trip-out", onclick: () => part.step(step("remove")(0), true) }, t("Take it out"))));
  };
  show();
  return fold;
}

// What a search for levers advised: cards, tried one by one and together.
export function leversPart(part) {
  const box = el("div", {});
  const show = async () => {
    if (!part.leversOpen || box.childElementCount) return;
    const { levers, outdated } = part.found || (part.found = await askJson(at(part.study) + "/levers"));
    if (!levers) { fill(box, el("p", { class: "note" }, t("Find them first: Compute and take away, “Find levers”."))); return; }
    fill(box, outdated ? el("p", { class: "bad" }, t("Of before the last change of the data: compute again.")) : null, el("ul", { class: "cards", id: "lever-cards" }, levers.map((one, k) => el("li", {}, el("p", {}, one.told[language]),
      one.steps.length ? el("button", { type: "button", id: "lever-" + k, onclick: () => part.wholly(one.steps) }, t("Try it on the map"))
        : el("p", { class: "note" }, t("A scenario cannot hold this one; its map is among the results."))))));
  };
  const fold = el("details", { id: "levers", open: part.leversOpen, ontoggle: (event) => { part.leversOpen = event.target.open; show(); } },
    el("summary", {}, t("Levers found")), box);
  show();
  return fold;
}
