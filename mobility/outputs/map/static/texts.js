// Words: English is the key, French comes from the manifest.
let language = manifest.language;

function t(english, values) {
  const plainEnglish = manifest.en[english] || english;
  const text = language === "fr" ? (manifest.fr[plainEnglish] || plainEnglish) : plainEnglish;
  return values ? text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all))
    : text;
}

const NARROW = "\u202f";
const locale = () => (language === "fr" ? "fr-FR" : "en-GB");
// Making a format takes longer than writing a page of numbers with it.
const formats = new Map();
function format(value, options) {
  const key = locale() + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale(), options));
  const shown = formats.get(key), text = shown.format(value);
  // What rounds to nothing has no sign.
  return (value <= 0 && text === shown.format(-0) ? shown.format(0) : text).replace("-", "−");
}
const number = (value) => format(value, {});
// Near both ends with a decimal, as in the report.
function percent(share) {
  const decimals = (share > 0 && share < 0.1) || (share > 0.99 && share < 1) ? 1 : 0;
  const shown = (value) => format(value, { style: "percent", minimumFractionDigits: decimals,
    maximumFractionDigits: decimals });
  if (share > 0 && share < 0.0005) return "< " + shown(0.001);
  return share < 1 && share >= 0.9995 ? "> " + shown(0.999) : shown(share);
}
const euros = (value) => format(value, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });

function clock(seconds) {
  const day = ((seconds % 86400) + 86400) % 86400;
  const two = (v) => String(v).padStart(2, "0");
  return two(Math.floor(day / 3600)) + ":" + two(Math.floor(day % 3600 / 60));
}

function dayName(day) {
  const known = manifest.days[day];
  return known.label || t("day " + known.kind);
}

const dateOf = (day, scenario) => (manifest.scenarios[scenario].dates || [])[day] || manifest.days[day].date;

function dateText(iso) {
  if (!/^\d{4}-\d\d-\d\d$/.test(iso)) return iso;
  return new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long",
    year: "numeric", timeZone: "UTC" }).format(new Date(iso + "T12:00:00Z"));
}

const modeName = (mode) => t("mode " + manifest.modes[mode]);
const modePhrase = (mode) => t("by " + manifest.modes[mode]);
// Rosters known by the name of their template.
// No prototype: a roster may be called "constructor".
const ROSTER_WORDS = { __proto__: null, day: "a day job", office: "an office job", night: "a night job",
  "journée": "a day job", bureau: "an office job", nuit: "a night job" };
const ROSTER_LABELS = { __proto__: null, day: "day", office: "office", night: "night", vsd: "week-end (VSD)" };
const rosterLabel = (name) => (ROSTER_LABELS[name] ? t("roster " + name)
  : name.replace(/(\d)x(\d)/g, "$1×$2"));

// A shift in a sentence: "le poste de nuit", "the night shift".
const SHIFT_WORDS = { __proto__: null, "matin": "the morning shift", "après-midi": "the afternoon shift",
  "nuit": "the night shift", "journée": "the day shift", "bureau": "the office day",
  "morning": "the morning shift", "afternoon": "the afternoon shift", "night": "the night shift",
  "day": "the day shift", "office": "the office day" };
const shiftName = (name) => (SHIFT_WORDS[name] ? t("shift " + name) : name);

function workPhrase(pick) {
  const [kind, index] = [pick[0], Number(pick.slice(1))];
  if (kind === "r") {
    const roster = manifest.rosters[index].name;
    return ROSTER_WORDS[roster] ? t(ROSTER_WORDS[roster]) : t("a {name} job", { name: rosterLabel(roster) });
  }
  const name = manifest.shifts[index].name;
  const known = SHIFT_WORDS[name.toLowerCase()];
  return known ? t(known) : t("the shift “{name}”", { name });
}

// A shift anywhere in a list: its site, then its name.
function shiftTitle(index) {
  const shift = manifest.shifts[index];
  return t("{site}: {shift}", { site: manifest.sites[manifest.rosters[shift.roster].site].name, shift: shiftName(shift.name) });
}

function translatePage() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
  for (const node of document.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
    if (node.tagName === "BUTTON") node.title = t(node.dataset.tLabel);
  }
}

// Small DOM builder: text is always text.
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") node.style.cssText = value;
    else node.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) {
      node.append(child instanceof Node ? child : String(child));
    }
  }
  return node;
}
