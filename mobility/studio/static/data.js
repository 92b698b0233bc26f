// The data of a study: files to drop, sites and rosters in a table.
import { blank, rosterTable, rowsOf, sitesOf, wrongField } from "./rosters.js";
import { ask, askJson, at, el, fill, language, number, t, tell, toldBy } from "./words.js";

const ROLES = { streets: ["Streets", "OpenStreetMap extract (.osm.pbf), or a layer of lines"],
  timetable: ["Timetables", "GTFS (.zip); several may be dropped"],
  sites: ["Sites and rosters", "a table (.xlsx, .csv): name, place, roster, headcount"],
  homes: ["Homes", "published counts of workers by place (.csv, .xlsx, .gpkg)"],
  employees: ["Employees", "one row a person: site, roster, place. Only protected counts are kept, never the file."] };
const NEEDED = { streets: "streets", sites: "sites", homes: "homes or employees" };

export async function data(main, study) {
  let about = await askJson(at(study) + "/data"), rows = rowsOf(about.sites);
  const box = el("div", { class: "page" });
  fill(main, box);

  const drop = async (role, name) => {
    about = await askJson(at(study) + "/files/" + role + "?name=" + encodeURIComponent(name), undefined, "DELETE");
    rows = rowsOf(about.sites);
    draw();
    focus("#file-" + role);
  };

  async function take(role, files, said) {
    let told = "";
    for (const file of files) {
      fill(said, t("Reading {name}", { name: file.name }));
      said.className = "note";
      try {
        const answer = await fetch(at(study) + "/files/" + role + "?name=" + encodeURIComponent(file.name), { method: "POST", body: file });
        const found = await answer.json();
        if (!answer.ok) {
          fill(said, found[language] || found.en);
          said.className = "bad";
          return;
        }
        about = found;
        rows = rowsOf(about.sites);
        told = found.told.map((one) => one[language]).join(" ");
      } catch (error) { fill(said, toldBy(error)); said.className = "bad"; return; }
    }
    draw();
    focus("#file-" + role);
    tell(told);
  }

  function zone(role) {
    const [label, hint] = ROLES[role], said = el("p", { class: "note", role: "status", id: "said-" + role });
    const input = el("input", { type: "file", id: "file-" + role, multiple: role === "timetable", onchange: () => take(role, input.files, said) });
    const mine = about.sources.filter((s) => s.role === role);
    const over = (on) => (event) => { event.preventDefault(); area.classList.toggle("over", on); };
    const area = el("section", { class: "drop", ondragover: over(true), ondragleave: over(false),
      ondrop: (event) => { over(false)(event); take(role, event.dataTransfer.files, said); } },
    el("h2", {}, t(label)), el("p", { class: "note" }, t(hint)),
    mine.length ? el("ul", { class: "list" }, mine.map((source) => el("li", {}, source.name, " ",
      source.bytes === null ? el("span", { class: "bad" }, t("missing")) : el("small", {}, t("{n} kB", { n: number(Math.ceil(source.bytes / 1e3)) })), " ",
      el("button", { type: "button", class: "small", onclick: () => drop(role, source.name), "aria-label": t("Remove {name}", { name: source.name }) }, "×")))) : null,
    el("label", { for: "file-" + role }, t("Drop a file here, or choose one")), input, said,
    ["sites", "homes", "employees"].includes(role) ? el("p", { class: "note" }, t("Templates:"), " ", ["fr", "en"].flatMap((code) => ["xlsx", "csv"].map((suffix) => [
      el("a", { href: "templates/" + role + "-" + code + "." + suffix, download: true }, role + "-" + code + "." + suffix), " "]))) : null);
    return area;
  }

  // What is drawn anew leaves the keyboard where it was at work.
  const focus = (where) => { const node = box.querySelector(where); if (node) node.focus(); };

  async function save() {
    try {
      const wrong = wrongField(document.getElementById("rosters"));
      if (wrong) { tell(wrong, true); return; }
      await ask(at(study) + "/sites", { sites: sitesOf(rows, about.sites), seen: about.sites });
      about = await askJson(at(study) + "/data");
      rows = rowsOf(about.sites);
      draw();
      focus("#save-sites");
      tell(t("The sites are written into territory.toml."));
    } catch (error) { tell(toldBy(error), true); }
  }

  const table = () => el("section", {}, el("h2", {}, t("Sites, gates and rosters")), el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t("Sites, gates and rosters") },
    rosterTable(rows, () => { draw(); focus("#add-row"); })),
  el("div", { class: "buttons" }, el("button", { type: "button", id: "add-row", onclick: () => { rows.push(blank(rows[rows.length - 1])); draw(); focus("#rosters tbody tr:last-child [data-key=roster]"); } }, t("Add a shift")),
    el("button", { type: "button", id: "save-sites", onclick: save }, t("Save the table"))));

  // What `mobility init` fetches, until it has ended; then the data are those it wrote.
  const fetched = el("section", { id: "fetched", "aria-live": "polite" });
  const placed = el("div", { role: "status" });
  let asked = null;
  let alive = true, was = "";
  async function follow() {
    const { job } = await askJson(at(study) + "/job").catch(() => ({ job: null }));
    if (!alive || !job || job.kind !== "init") return;
    const busy = job.state === "queued" || job.state === "running";
    fill(fetched, el("h2", {}, t("Sources around {place}", { place: job.target })),
      busy ? el("progress", { max: 1, value: job.share || 0, "aria-label": t("Fetching") }) : null,
      el("p", { id: "fetch-state", "data-state": job.state, class: job.state === "failed" ? "bad" : "note" },
        busy ? (job.step ? job.step[language] : t("about to start")) : job.words || t({ done: "done", cancelled: "cancelled" }[job.state] || "failed")),
      busy ? el("button", { type: "button", onclick: () => askJson(at(study) + "/job", undefined, "DELETE") }, t("Cancel"))
        : job.state === "done" ? null : el("button", { type: "button", id: "fetch-again", onclick: again(job) }, t("Fetch again")));
    if (was && was !== job.state && job.state === "done") {
      about = await askJson(at(study) + "/data");
      rows = rowsOf(about.sites);
      draw();
    }
    was = job.state;
    if (busy) setTimeout(follow, 700);
  }
  const again = ({ target, other }) => async () => {
    try {
      await askJson(at(study) + "/job", { kind: "init", target, ...(other ? { radius_km: Number(other) } : {}), language });
      await follow();
    } catch (error) { tell(toldBy(error), true); }
  };

  function draw() {
    const lacks = about.lacks.map((role) => t(NEEDED[role])).join(", ");
    fill(box, el("h1", {}, t("Data")), fetched, lacks ? el("p", { id: "missing" }, t("Still lacking, to be dropped below: {what}.", { what: lacks }))
      : about.error ? el("p", { class: "bad", id: "missing" }, about.error[language]) : placed,
    el("div", { class: "drops" }, Object.keys(ROLES).map(zone)), table());
    if (!lacks && !about.error) place();
  }

  // Files may be there and not meet, as homes far from any street: reading the study tells. Asked once of what is shown.
  async function place() {
    if (asked === about) return;
    const of = asked = about;
    let found = { reading: true };
    fill(placed, el("p", { class: "note", id: "placing" }, t("Every file is there; the study is being read…")));
    while (found.reading) {
      found = await askJson(at(study) + "/places").catch((error) => ({ failed: toldBy(error) }));
      if (!alive || of !== about) return;
      if (found.reading) await new Promise((done) => setTimeout(done, 700));
    }
    const failed = found.failed || (found.error && found.error[language]);
    fill(placed, failed ? el("p", { class: "bad", id: "unread" }, failed)
      : found.off.length ? el("div", { id: "off-streets", class: "bad" }, el("p", {}, t("Every file is there, but not every place lies on the streets:")),
        found.off.map((one) => el("p", {}, one[language])))
      : el("p", { class: "good", id: "whole" }, t("Everything a study needs is there.")));
  }
  draw();
  await follow();
  return () => { alive = false; };
}
