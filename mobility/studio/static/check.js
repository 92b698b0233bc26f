// What is known and what looks wrong of a study, each thing at its place on the map.
import { askJson, at, el, fill, language, t } from "./words.js";

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
  ready(stage, study, () => alive).then((found) => {
    if (found) stage.append(el("iframe", { title: t("What was read, and what to know"), src: at(study) + "/check.html?lang=" + language }));
  });
  return () => { alive = false; };
}
