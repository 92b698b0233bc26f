// Sites, gates and rosters in a table, one row a shift.
import { el, language, t, Told } from "./words.js";

const COLUMNS = [["name", "Site", "text"], ["employer", "Employer", "text"], ["gates", "Gates (lon lat; …)", "text"],
  ["roster", "Roster", "text"], ["shift", "Shift", "text"], ["start", "Start", "time"], ["end", "End", "time"],
  ["days", "Days", "text"], ["headcount", "Headcount", "number"]];
const OF_SITE = ["employer", "gates"], MAY_BE_EMPTY = ["employer", "days", "headcount"];
const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], SEMAINE = ["lun", "mar", "mer", "jeu", "ven", "sam", "dim"];

// Days as people write them: lun-ven; those of the file are mon,tue,wed,thu,fri.
function daysSaid(days) {
  const names = language === "fr" ? SEMAINE : WEEK, has = WEEK.map((day) => days.split(",").includes(day)), runs = [];
  has.forEach((on, k) => { if (on && has[k - 1]) runs[runs.length - 1].push(k); else if (on) runs.push([k]); });
  return runs.map((run) => (run.length > 2 ? names[run[0]] + "-" + names[run[run.length - 1]] : run.map((k) => names[k]).join(","))).join(",");
}

export const rowsOf = (sites) => sites.flatMap((site) => site.rosters.flatMap((roster) => roster.shifts.map((shift) => ({
  name: site.name, employer: site.employer, gates: site.gates.map((g) => g.join(" ")).join("; "), roster: roster.name,
  shift: shift.name, start: shift.start, end: shift.end, known: shift.days, days: daysSaid(shift.days), headcount: shift.headcount }))));

export const blank = (like) => ({ name: like ? like.name : "", employer: like ? like.employer : "", gates: like ? like.gates : "",
  roster: "", shift: "", start: "05:00", end: "13:00", known: "", days: daysSaid("mon,tue,wed,thu,fri"), headcount: 0 });

const refused = (text) => new Told({ fr: text, en: text });

// Longitude and latitude of each gate; decimal commas are understood.
function gatesOf(text, n) {
  return text.split(";").filter((gate) => gate.trim()).map((gate) => {
    const words = gate.trim().split(/\s+/), pair = words.length === 1 ? words[0].split(",") : words.map((word) => word.replace(/,$/, "").replace(",", "."));
    const place = pair.map(Number);
    if (pair.length === 2 && pair.every(Boolean) && place.every(Number.isFinite)) return place;
    throw refused(t("Row {n}: “{value}” is no gate. Write its longitude and its latitude, 1.37 46.69, and “;” between two gates.", { n, value: gate.trim() }));
  });
}

// What the table does not show of a site, a roster or a shift stays as it was.
export function sitesOf(rows, known) {
  const named = (list, name) => (list || []).find((one) => one.name === name) || {};
  const sites = new Map(), firsts = new Map();
  rows.forEach((row, index) => {
    const site = named(known, row.name), first = firsts.get(row.name);
    const other = first === undefined ? null : COLUMNS.find(([key]) => OF_SITE.includes(key) && rows[first][key] !== row[key]);
    if (other) throw refused(t("Rows {n} and {m} are of one site, and differ: {what}.", { n: first + 1, m: index + 1, what: t(other[1]) }));
    if (first === undefined) {
      firsts.set(row.name, index);
      sites.set(row.name, { ...site, name: row.name, employer: row.employer, gates: gatesOf(row.gates, index + 1), rosters: new Map() });
    }
    const { rosters } = sites.get(row.name), roster = named(site.rosters, row.roster);
    if (!rosters.has(row.roster)) rosters.set(row.roster, { ...roster, name: row.roster, shifts: [] });
    rosters.get(row.roster).shifts.push({ ...named(roster.shifts, row.shift), name: row.shift, start: row.start, end: row.end,
      days: row.known && row.days === daysSaid(row.known) ? row.known : row.days || "mon-fri", headcount: Number(row.headcount) || 0 });
  });
  return [...sites.values()].map((site) => ({ ...site, rosters: [...site.rosters.values()] }));
}

export const rosterTable = (rows, draw) => el("table", { id: "rosters" },
  el("thead", {}, el("tr", {}, COLUMNS.map(([, label]) => el("th", { scope: "col" }, t(label))), el("td", {}))),
  el("tbody", {}, rows.map((row, index) => el("tr", {}, COLUMNS.map(([key, label, type]) => el("td", {}, el("input", { type, value: row[key],
    "data-key": key, required: !MAY_BE_EMPTY.includes(key), min: type === "number" ? 0 : null, "aria-label": t("{what}, row {n}", { what: t(label), n: index + 1 }),
    oninput: ({ target }) => {
      // Employer and gates are the site's: every row of it shows the same.
      const mine = OF_SITE.includes(key) ? rows.filter((other) => other === row || (row.name && other.name === row.name)) : [row];
      for (const one of mine) {
        one[key] = target.value;
        const input = target.closest("tbody").rows[rows.indexOf(one)].querySelector("[data-key=" + key + "]");
        if (input !== target) input.value = target.value;
      }
    } }))),
  el("td", {}, el("button", { type: "button", class: "small", "aria-label": t("Remove row {n}", { n: index + 1 }),
    onclick: () => { rows.splice(index, 1); draw(); } }, "×"))))));

// The first field of a table that its kind refuses, named; null where there is none.
export function wrongField(table) {
  const wrong = [...table.querySelectorAll("input")].find((input) => !input.checkValidity());
  if (!wrong) return null;
  wrong.focus();
  return wrong.getAttribute("aria-label") + (language === "fr" ? "\u00a0: " : ": ") + wrong.validationMessage;
}
