// Computations of a study and its scenarios, and the files they give.
import { askJson, at, el, fill, language, number, t, tell, toldBy } from "./words.js";

const KINDS = { run: "Map and tables", report: "Report (PDF, HTML, Word, spreadsheet)", levers: "Find levers", shuttles: "Design shuttles",
  compare: "Compare two" };
const FIRST = ["map.html", "report.pdf", "report.html", "report.docx", "report.xlsx", "results.gpkg"];

const time = (seconds) => (seconds >= 90 ? t("{n} min", { n: Math.round(seconds / 60) }) : t("{n} s", { n: seconds }));
const size = (bytes) => (bytes > 1e6 ? t("{n} MB", { n: number(Math.round(bytes / 1e5) / 10) }) : t("{n} kB", { n: number(Math.ceil(bytes / 1e3)) }));

export async function run(main, study) {
  let alive = true, last = "", timer = 0;
  const about = await askJson(at(study));
  const kind = el("select", { id: "kind" }, Object.entries(KINDS).map(([name, label]) => el("option", { value: name }, t(label))));
  const target = el("select", { id: "target" }, el("option", { value: "" }, t("the study as it is")),
    about.scenarios.map((one) => el("option", { value: one.id }, one.name)));
  const other = target.cloneNode(true), versus = el("div", { class: "buttons", hidden: true }, el("label", { for: "other" }, t("With")), other);
  other.id = "other";
  other.selectedIndex = about.scenarios.length ? 1 : 0;
  kind.addEventListener("change", () => { versus.hidden = kind.value !== "compare"; });
  const job = el("section", { id: "job", "aria-live": "polite" }), results = el("section", { id: "results" });

  const start = async (asked) => {
    try {
      tell("");
      show((await askJson(at(study) + "/job", { ...asked, language })).job);
    } catch (error) { tell(toldBy(error), true); }
  };
  const cancel = async () => show((await askJson(at(study) + "/job", undefined, "DELETE")).job);

  function show(job_) {
    const told = job_ && job_.kind === "init" ? null : job_; // Told beside the data.
    const now = JSON.stringify(told);
    if (now === last) return;
    last = now;
    if (!told) { fill(job); return; }
    const called = (id) => (id ? (about.scenarios.find((s) => s.id === id) || { name: id }).name : t("the study as it is"));
    const name = told.kind === "compare" ? called(told.target) + " – " + called(told.other || "") : called(told.target);
    const head = t("{kind}, {name}", { kind: t(KINDS[told.kind] || told.kind), name });
    const busy = told.state === "running" || told.state === "queued";
    const words = { queued: told.ahead ? t("{n} before it in the queue", { n: told.ahead }) : t("about to start"), running: told.step ? told.step[language] : "",
      done: t("done"), failed: told.words || t("failed"), cancelled: t("cancelled: the earlier results stay"),
      interrupted: t("The studio ended while this was computed; nothing is lost but the time.") };
    fill(job, el("h2", {}, head), busy ? el("progress", { max: 1, value: told.share || 0, "aria-label": head }) : null,
      el("p", { id: "job-state", "data-state": told.state, class: told.state === "failed" ? "bad" : "" }, words[told.state],
        told.state === "running" && told.left_s !== null ? " – " + t("about {time} left", { time: time(told.left_s) }) : ""),
      busy ? el("button", { type: "button", id: "cancel", onclick: cancel }, t("Cancel"))
        : told.state !== "done" ? el("button", { type: "button", onclick: () => start({ kind: told.kind, target: told.target, other: told.other }) }, t("Compute again")) : null);
    if (!busy) list();
  }

  async function list() {
    const found = await askJson(at(study) + "/results");
    const link = (file) => {
      const name = file.path.split("/").pop(), href = at(study) + "/get/" + file.path.split("/").map(encodeURIComponent).join("/");
      return el("li", {}, el("a", { href, download: name }, file.path), " ", el("small", {}, size(file.bytes)),
        name.endsWith(".html") ? [" ", el("a", { href: href + "?view", target: "_blank", rel: "noopener" }, t("look at it"))] : null);
    };
    const rank = (file) => { const k = FIRST.indexOf(file.path.split("/").pop()); return k < 0 ? FIRST.length : k; };
    fill(results, el("h2", {}, t("Take away")), found.map((one) => {
      const sorted = [...one.files].sort((a, b) => rank(a) - rank(b)), top = sorted.filter((f) => rank(f) < FIRST.length);
      return el("section", {}, el("h3", {}, one.id.startsWith("compared/") ? t("compared: {name}", { name: one.name }) : one.name || t("the study as it is")),
        one.outdated ? el("p", { class: "bad" }, t("Of before the last change of the data: compute again.")) : null,
        top.length ? el("ul", { class: "list" }, top.map(link)) : el("p", { class: "note" }, t("Not computed yet.")),
        el("details", {}, el("summary", {}, t("All files")), el("ul", { class: "list" }, sorted.filter((f) => !top.includes(f)).map(link))));
    }));
  }

  fill(main, el("div", { class: "page" }, el("h1", {}, t("Compute and take away")),
    el("form", { class: "keep", onsubmit: (event) => { event.preventDefault(); start({ kind: kind.value, target: target.value, other: other.value }); } },
      el("label", { for: "kind" }, t("What")), kind, el("label", { for: "target" }, t("Of")), target, versus,
      el("button", { type: "submit", id: "compute" }, t("Compute"))), job, results));
  const follow = async () => {
    if (!alive) return;
    try { show((await askJson(at(study) + "/job")).job); } catch (error) { /* the banner tells it */ }
    timer = setTimeout(follow, 700);
  };
  await list();
  await follow();
  return () => { alive = false; clearTimeout(timer); };
}
