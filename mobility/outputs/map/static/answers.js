// What would help, announced by its best figures: levers and shuttles, each one a click away.
// A plan is advised where a lever runs it whole: its feeders, or direct lines, alone are others.
const isAdvised = (plan) => manifest.levers.some((lever) => lever.advised && lever.plan === plan.name);
const bestLever = () => manifest.levers.find((lever) => lever.advised) || null;

function leverFacts(lever) {
  return [lever.jobs ? t("{n} jobs gain their whole roster", { n: number(lever.jobs) }) : t("no job gains its whole roster"),
    lever.eur ? t("{eur} a year", { eur: euros(lever.eur) }) : t("no running cost counted"),
    lever.jobs && lever.eur ? t("{eur} a job", { eur: euros(lever.job) }) : ""].filter(Boolean).join(" · ");
}

// Where it gains most, before and after on both sides of a curtain that leaves the gains in sight.
async function showLever(lever) {
  state.layers.shuttles = false;
  const [most] = (await gainsOf(lever.scenario)).filter(({ shift, mode }) => mode === 0 && (!lever.pick || lever.pick === "s" + shift));
  const pick = lever.pick || (most && "s" + most.shift);
  await choose({ scenario: lever.scenario, compare: true, measure: lever.measure, mode: 0, ...(most ? { day: most.day } : {}),
    ...(pick ? { pick, site: manifest.rosters[rosterOf(pick)].site } : {}) });
  curtainBeside();
}

function curtainBeside() {
  if (state.measure !== "gain") return;
  let left = Infinity;
  for (let h = 0; h < homes.n; h++) {
    if (shownNow.classes[h] === 0) left = Math.min(left, map.latLngToContainerPoint(homeCentre(h)).x);
  }
  const wide = map.getSize().x;
  if (left < wide) moveSwipe(Math.max(0.1, (left - 20) / wide));
}

async function showPlanOf(index) {
  state.layers.shuttles = true;
  const tied = manifest.plans[index].scenario;
  document.getElementById("mb-plans-fold").open = true;
  await choose({ plan: index, scenario: tied === null ? 0 : tied, compare: tied !== null, measure: tied === null ? measureOfPresent : "gain" });
  if (tied !== null) curtainBeside();
}

function answerCard(kind, title, facts, show, on) {
  return el("button", { type: "button", class: "mb-answer", "aria-pressed": String(on), onclick: show },
    el("b", {}, kind), el("span", {}, title), el("span", { class: "mb-answer-facts" }, facts));
}

function showAnswers() {
  const box = document.getElementById("mb-answers"), lever = bestLever();
  const known = manifest.plans[Math.max(0, toldPlan)];
  box.hidden = !lever && !known && !manifest.levers.length;
  if (box.hidden) return;
  const cards = [];
  if (lever) cards.push(answerCard(t("Advised first"), leverName(lever), leverFacts(lever), () => showLever(lever), state.scenario === lever.scenario));
  else if (manifest.levers.length) cards.push(el("p", { class: "mb-note" }, t("No lever found is advised; the list tells what each brings.")));
  if (known) {
    const facts = [t("{n} jobs gain their whole roster", { n: number(known.workers) }), t("{eur} a year", { eur: euros(known.cost) }),
      known.workers ? t("{eur} a job", { eur: euros(known.job) }) : ""].filter(Boolean).join(" · ");
    cards.push(answerCard(t(isAdvised(known) ? "Shuttles: plan advised" : "Shuttles: the plan told"),
      t("Plan {name}, vehicles: {vehicles}", { name: known.name, vehicles: number(known.vehicles) }), facts,
      () => showPlanOf(Math.max(0, toldPlan)), state.layers.shuttles && state.scenario > 0 && state.scenario === known.scenario));
  }
  box.replaceChildren(el("h2", {}, t("What would help")), ...cards, state.scenario > 0
    ? el("button", { type: "button", class: "mb-small", onclick: () => { state.layers.shuttles = false; choose({ scenario: 0, compare: false, measure: measureOfPresent }); } },
      t("Back to the present")) : "");
}

function showLevers() {
  document.getElementById("mb-levers-box").hidden = !manifest.levers.length;
  const shown = leverOf(state.scenario);
  if (shown) document.getElementById("mb-levers-fold").open = true;
  document.getElementById("mb-levers").replaceChildren(el("p", { class: "mb-note" }, t("By cost of a job gained; the map compares before and after.")),
    el("ol", { class: "mb-levers" }, manifest.levers.map((lever) => el("li", {}, el("button", { type: "button", class: "mb-answer",
      "aria-pressed": String(lever === shown), onclick: () => showLever(lever) }, lever.advised ? el("b", {}, t("advised")) : null,
    el("span", {}, leverName(lever)), el("span", { class: "mb-answer-facts" }, leverFacts(lever)))))));
}
