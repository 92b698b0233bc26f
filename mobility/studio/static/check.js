// What is known and what looks wrong of a study, each thing at its place on the map.
import { askJson, at, el, fill, language, t, tell, toldBy } from "./words.js";

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// Wait until a study is read, and say how far it is; true once it is.
export async function ready(box, study, alive) {
  const said = el("p", { class: "waiting", role: "status" });
  box.append(said);
  for (;;) {
    const about = await askJson(at(study));
    said.textContent = about.error ? about.error[language]
      : about.step ? t("Reading the study: {step}", { step: about.step[language] }) : "";
    said.classList.toggle("bad", Boolean(about.error));
    if (about.error || !alive()) return false;
    if (about.ready) { said.remove(); return true; }
    await wait(300);
  }
}

export function check(main, study) {
  let alive = true;
  const stage = el("div", { class: "stage" });
  fill(main, el("div", { class: "explore" }, stage));
  const show = async () => {
    if (!await ready(stage, study, () => alive)) return;
    const frame = el("iframe", { title: t("What was read, and what to know"), src: at(study) + "/check.html?lang=" + language });
    frame.addEventListener("load", () => mends(frame, study, show));
    fill(stage, frame);
  };
  show();
  return () => { alive = false; };
}

// A button beside each finding whose mend is a setting; the study is then read again.
async function mends(frame, study, again) {
  const { mends: found } = await askJson(at(study) + "/mends");
  const items = frame.contentDocument.querySelectorAll("#side ul:first-of-type > li");
  found.forEach((buttons, finding) => buttons.forEach((label, mend) => {
    const button = el("button", { type: "button", class: "mend", onclick: async () => {
      try {
        const { table, field, value } = await askJson(at(study) + "/mends", { finding, mend });
        tell(t("Written into territory.toml: {what}", { what: "[" + table + "] " + field + " = " + JSON.stringify(value) }));
        await again();
      } catch (error) { tell(toldBy(error), true); }
    } }, label[language]);
    items[finding].append(frame.contentDocument.adoptNode(button));
  }));
}
