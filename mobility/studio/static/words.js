// Words, and the small things every part builds with. English is the key of every text.
let french = {};
export let language = localStorage.getItem("mobility-language") || "fr";

export async function loadWords() {
  french = await (await fetch("words")).json();
}

export function t(english, values) {
  const text = language === "fr" ? french[english] || english : english;
  return values ? text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all)) : text;
}

export function speak(code) {
  language = code;
  localStorage.setItem("mobility-language", code);
}

// Making a format takes longer than writing a page of numbers with it.
const formats = new Map();
function format(value, options) {
  const key = language + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language === "fr" ? "fr-FR" : "en-GB", options));
  const shown = formats.get(key), text = shown.format(value);
  // What rounds to nothing has no sign.
  return (value <= 0 && text === shown.format(-0) ? shown.format(0) : text).replace("-", "−");
}
export const number = (value) => format(value, {});
export const signed = (value) => format(value, { signDisplay: "exceptZero" });
export const euros = (value) => format(value, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });

export function clock(seconds) {
  const day = ((seconds % 86400) + 86400) % 86400;
  const two = (value) => String(value).padStart(2, "0");
  return two(Math.floor(day / 3600)) + ":" + two(Math.floor(day % 3600 / 60));
}

// Small DOM builder: text is always text.
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  return fill(node, ...children);
}

export function fill(node, ...children) {
  node.replaceChildren(...children.flat(2).filter((c) => c !== null && c !== undefined && c !== false)
    .map((c) => (c instanceof Node ? c : String(c))));
  return node;
}

// An error of the studio's, in the language of now.
export class Told extends Error {
  constructor(words) {
    super(words.en);
    this.words = words;
  }
  // Nothing is wrong: what is being drawn is not whole yet.
  get unfinished() { return Boolean(this.words.unfinished); }
  get text() { return this.words[language] || this.words.en; }
}

export const toldBy = (error) => (error instanceof Told ? error.text : t("The studio does not answer: {why}", { why: error.message }));

export async function ask(address, body, method) {
  const options = body === undefined ? { method: method || "GET" } : body instanceof FormData
    ? { method: "POST", body } : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const answer = await fetch(address, options);
  if (answer.ok) return answer;
  const words = await answer.json().catch(() => null);
  throw new Told(words && words.en ? words : { fr: "HTTP " + answer.status, en: "HTTP " + answer.status });
}

export const askJson = async (address, body, method) => (await ask(address, body, method)).json();

export const at = (study) => "studies/" + encodeURIComponent(study);

// What the banner says to the user, "" for nothing.
export function tell(text, isError) {
  const banner = document.getElementById("banner");
  banner.textContent = text;
  banner.hidden = !text;
  banner.classList.toggle("bad", Boolean(isError));
}

export const wait = (ms) => new Promise((done) => setTimeout(done, ms));
