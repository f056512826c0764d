// Makes elements. Text goes in as text: nothing in this page is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";
export const $ = id => document.getElementById(id);

function fill(made, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.setAttribute("class", value);
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) made.append(child);
  return made;
}
export const el = (name, given = {}, ...children) => fill(document.createElement(name), given, children);
export const svg = (name, given = {}, ...children) => fill(document.createElementNS(SVG, name), given, children);

export const text = (id, value) => { if ($(id).textContent !== value) $(id).textContent = value; };

const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 10 });
const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const minus = value => value.replace("-", "\u2212");
export const number = value => (value === null || value === undefined ? "" : minus(plain.format(value)));
export const money = value => minus(cents.format(Math.abs(value) < 0.005 ? 0 : value));
export const signed = value => `${value >= 0.005 ? "+" : ""}${money(value)}`;
export const gain = value => (value >= 0.005 ? "gain" : value <= -0.005 ? "loss" : "");
export function micros(value) {
  if (value === null || value === undefined) return "";
  return value < 100000 ? `${(value / 1000).toFixed(value < 10000 ? 2 : 1)} ms` : `${(value / 1e6).toFixed(2)} s`;
}

// A moment in the time zone that the reader chose.
export class Times {
  constructor() { this.use(""); }
  use(zone) {
    const given = zone ? { timeZone: zone } : {};
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    this.short = new Intl.DateTimeFormat("en-GB", { ...clock, fractionalSecondDigits: 3, ...given });
    this.full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long", ...given });
    this.day = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric", ...given });
    this.tick = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...given });
    this.second = new Intl.DateTimeFormat("en-GB", { ...clock, ...given });
  }
}
export const times = new Times();
