// The studio's one page: which study and which step is shown, told by the address after #.
import { askJson, at, el, language, loadWords, speak, t, tell, toldBy } from "./words.js";
import { check } from "./check.js";
import { data } from "./data.js";
import { explore } from "./explore.js";
import { run } from "./run.js";

const STEPS = { data: ["Data", data], check: ["Check", check], explore: ["Explore", explore], run: ["Compute and take away", run] };
const main = document.getElementById("main"), banner = document.getElementById("banner");
let boot = null, leave = null, shownAt = "";

const place = () => {
  const [study, step] = location.hash.slice(1).split("/");
  return { study: decodeURIComponent(study || ""), step: step in STEPS ? step : "explore" };
};
function steps(study, step) {
  const items = [el("a", { href: "#", "aria-current": study ? null : "page" }, t("Studies"))];
  if (study) {
    for (const [name, [label]] of Object.entries(STEPS)) {
      items.push(el("a", { href: "#" + encodeURIComponent(study) + "/" + name,
        "aria-current": name === step ? "page" : null }, t(label)));
    }
  }
  document.getElementById("steps").replaceChildren(...items);
}

async function start() {
  const state = await askJson("state");
  const name = el("input", { id: "new-name", required: true, maxlength: 80 });
  const place = el("input", { id: "new-place", required: true, maxlength: 80 });
  const radius = el("input", { id: "new-radius", type: "number", min: 1, max: 60, value: "12" });
  const make = async (asked) => {
    try {
      const made = await askJson("studies", asked);
      if (asked.place) await askJson(at(made.id) + "/job", { kind: "init", target: asked.place, radius_km: Number(radius.value), language });
      location.hash = encodeURIComponent(made.id) + (asked.demo ? "/explore" : "/data");
    } catch (error) { tell(toldBy(error), true); }
  };
  main.replaceChildren(el("div", { class: "page" },
    el("h1", {}, t("Who can hold the roster, and what would change it?")),
    el("section", {}, el("h2", {}, t("Studies")),
      state.studies.length ? el("ul", { class: "cards" }, state.studies.map((study) => el("li", {},
        el("a", { href: "#" + encodeURIComponent(study.id) + "/explore" }, study.name), " ", el("small", {}, study.id))))
        : el("p", {}, t("There is no study in this folder yet.")),
      el("p", { class: "note" }, state.root)),
    el("section", {}, el("button", { type: "button", onclick: () => make({ demo: true }) }, t("Open the demo"))),
    el("form", { onsubmit: (event) => { event.preventDefault(); make({ name: name.value }); } },
      el("h2", {}, t("New study")), el("label", { for: "new-name" }, t("Name")), name,
      el("button", { type: "submit" }, t("Create"))),
    el("form", { id: "around", onsubmit: (event) => { event.preventDefault(); make({ name: place.value, place: place.value }); } },
      el("h2", {}, t("New study from open data, around a place")),
      el("p", { class: "note" }, t("Streets, timetables, communes and industrial land of France are fetched from the network, as `mobility init` does.")),
      el("label", { for: "new-place" }, t("Commune: name, “Name (85)” or INSEE code")), place,
      el("label", { for: "new-radius" }, t("Radius (km)")), radius, el("button", { type: "submit" }, t("Fetch")))));
}

export async function show() {
  const { study, step } = place();
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const code of ["fr", "en"]) document.getElementById(code).setAttribute("aria-pressed", language === code);
  steps(study, step);
  document.title = study ? study + " – mobility studio" : "mobility studio";
  if (leave) leave();
  leave = null;
  tell("");
  shownAt = location.hash;
  main.replaceChildren();
  try {
    if (study) leave = await STEPS[step][1](main, study); else await start();
  } catch (error) { tell(toldBy(error), true); }
  document.body.dataset.shown = String(Number(document.body.dataset.shown || 0) + 1);
}

// A page left open over a restart says so, and finds its way back.
async function watch() {
  try {
    const state = await askJson("state");
    if (boot === null) boot = state.boot;
    document.getElementById("sign-out").hidden = !state.shared;
    if (banner.dataset.lost) {
      delete banner.dataset.lost;
      tell("");
    }
    if (boot !== state.boot) {
      boot = state.boot;
      await show();
      tell(t("The studio was started again; this page is up to date."));
    }
  } catch (error) {
    banner.dataset.lost = "1";
    tell(t("The studio does not answer any more; this page waits for it."), true);
  }
  setTimeout(watch, 2000);
}

document.getElementById("sign-out").addEventListener("click", async () => {
  await fetch("logout", { method: "POST", redirect: "manual" });
  location.reload();
});
for (const code of ["fr", "en"]) {
  document.getElementById(code).addEventListener("click", () => { speak(code); show(); });
}
window.addEventListener("hashchange", () => { if (location.hash !== shownAt) show(); });
await loadWords();
await show();
watch();
