// Draws candles with fills and working orders, the equity curve and the latency histogram.

import { el, money, number, svg, times } from "./dom.js";

const LEFT = 8, RIGHT = 66, TOP = 12, BOTTOM = 22, NS = 1e6;

function ticks(low, high, wanted) {
  const raw = (high - low) / Math.max(1, wanted), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map(m => m * power).find(s => s >= raw);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) out.push(+v.toPrecision(12));
  return out;
}

// A drawing of the size that its box has now, with a scale for values on the right.
function frame(box, height, low, high, pad = 0.08) {
  const width = box.clientWidth || 600;
  const room = (high - low || Math.abs(high) * 0.0005 || 1) * pad;
  const bottom = low - room, top = high + room;
  const y = v => TOP + (top - v) / (top - bottom) * (height - TOP - BOTTOM);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, "aria-hidden": "true" });
  for (const v of ticks(bottom, top, height / 62))
    root.append(svg("line", { class: "c-grid", x1: LEFT, x2: width - RIGHT, y1: y(v), y2: y(v) }),
      svg("text", { class: "c-tick", x: width - RIGHT + 8, y: y(v) + 4 }, number(v)));
  return { root, width, height, y, right: width - RIGHT };
}

function moments(f, count, at, x) {
  if (!count) return;
  const slot = count > 1 ? x(1) - x(0) : f.width;
  const span = (at(count - 1) - at(0)) / 1000;
  const show = span > 172800 ? times.day : span > 900 ? times.tick : times.second;
  const every = Math.max(1, Math.ceil(110 / slot));
  for (let i = Math.floor(every / 2); i < count; i += every)
    if (x(i) > 36) f.root.append(svg("text", { class: "c-tick", "text-anchor": "middle", x: x(i), y: f.height - 5 }, show.format(at(i))));
}

// Orders of one side, kind and price are one level.
function levelsOf(orders) {
  const found = new Map();
  for (const order of orders) {
    const level = order.trigger_price ?? order.limit_price;
    if (level === null) continue;
    const kind = order.role === "entry" ? order.order_type.replace("_", " ") : order.role.replace("_", " ");
    const key = `${order.side} ${kind} ${level}`, one = found.get(key) ?? { side: order.side, level, kind, qty: 0 };
    one.qty += order.qty;
    one.words = `${order.side} ${number(one.qty)} ${kind} at ${number(level)}`;
    found.set(key, one);
  }
  return [...found.values()];
}

export function candles(box, drawn, name, readout) {
  const rows = drawn.candles, at = i => rows[i][0] / NS;
  if (!rows.length) {
    box.replaceChildren(el("p", { class: "empty" }, name ? "No price yet: it comes with the first bar." : "No prices yet."));
    box.setAttribute("aria-label", "No prices yet");
    return;
  }
  const levels = levelsOf(drawn.working), close = rows[rows.length - 1][4];
  let low = Math.min(...rows.map(r => r[3])), high = Math.max(...rows.map(r => r[2]));
  // A level far away must not press the candles flat; it is named at the edge instead.
  const reach = Math.max((high - low) * 1.2, Math.abs(close) * 0.0012);
  const near = levels.filter(o => o.level >= low - reach && o.level <= high + reach);
  low = Math.min(low, ...near.map(o => o.level));
  high = Math.max(high, ...near.map(o => o.level));
  const f = frame(box, 330, low, high, 0.1);
  const room = f.right - LEFT, slot = room / Math.max(rows.length, 30), x = i => LEFT + slot * (i + 0.5);
  const wide = Math.max(1, Math.min(11, slot * 0.62));
  moments(f, rows.length, at, x);
  rows.forEach(([, o, h, l, c], i) => {
    const kind = c >= o ? "c-up" : "c-down", top = f.y(Math.max(o, c)), foot = f.y(Math.min(o, c));
    f.root.append(svg("path", { class: kind, d: `M${x(i)} ${f.y(h)}V${top}M${x(i)} ${foot}V${f.y(l)}` }),
      svg("rect", { class: kind, x: x(i) - wide / 2, y: top, width: wide, height: Math.max(1, foot - top) }));
  });
  for (const one of near)
    f.root.append(svg("line", { class: `c-work ${one.side}`, x1: LEFT, x2: f.right, y1: f.y(one.level), y2: f.y(one.level) }),
      svg("text", { class: `c-label ${one.side}`, x: LEFT + 4, y: f.y(one.level) - 5 }, one.words));
  const edge = (far, arrow, y, step) => far.slice(0, 4).forEach((one, i) => f.root.append(
    svg("text", { class: `c-label ${one.side}`, "text-anchor": "end", x: f.right - 4, y: y + i * step }, `${one.words} ${arrow}`)));
  edge(levels.filter(o => o.level > high), "\u2191", TOP + 10, 16);
  edge(levels.filter(o => o.level < low), "\u2193", f.height - BOTTOM - 6, -16);
  for (const { candle, mark } of drawn.fills) {
    const up = mark.qty > 0 ? 1 : -1, cx = x(candle), cy = f.y(mark.price), r = 5.5;
    // A turn closes and opens: its arrow stands clear of the ring.
    const from = cy + up * (mark.closed ? r + 1 : 2);
    if (mark.closed) f.root.append(svg("circle", { class: "c-exit", cx, cy, r: r * 0.8 }));
    if (mark.opened) f.root.append(svg("path", { class: up > 0 ? "c-long" : "c-short", d: `M${cx} ${from}l${r} ${up * r * 1.9}h${-2 * r}z` }));
  }
  const cross = svg("line", { class: "c-cross", y1: TOP, y2: f.height - BOTTOM, visibility: "hidden" });
  f.root.append(cross);
  box.replaceChildren(f.root);
  box.setAttribute("aria-label", `${name}, ${rows.length} candles, last ${number(close)}, ${drawn.fills.length} fills, ${levels.length} working orders`);
  const tell = i => {
    if (i === null) { cross.setAttribute("visibility", "hidden"); readout.textContent = `Last ${number(close)}`; return; }
    const [t, o, h, l, c] = rows[i];
    const here = drawn.fills.filter(p => p.candle === i).map(p => `${p.mark.qty > 0 ? "bought" : "sold"} ${Math.abs(p.mark.qty)} at ${number(p.mark.price)}`);
    cross.setAttribute("visibility", "visible");
    cross.setAttribute("x1", x(i)); cross.setAttribute("x2", x(i));
    readout.textContent = `${times.full.format(t / NS)}  O ${number(o)}  H ${number(h)}  L ${number(l)}  C ${number(c)}${here.length ? `  \u00b7 ${here.join(", ")}` : ""}`;
  };
  box.onpointermove = event => {
    const i = Math.floor((event.clientX - box.getBoundingClientRect().left - LEFT) / slot);
    tell(Math.max(0, Math.min(rows.length - 1, i)));
  };
  box.onpointerleave = () => tell(null);
  let key = null;
  box.onkeydown = event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    key = Math.max(0, Math.min(rows.length - 1, (key ?? rows.length) + step));
    tell(key);
    event.preventDefault();
  };
  tell(null);
}

export function equity(box, points, now) {
  if (points.length < 2) {
    box.replaceChildren(el("p", { class: "empty" }, points.length ? `Nothing earned or lost yet: ${money(points[0][1])}` : "No account yet."));
    box.setAttribute("aria-label", "Equity has not changed yet");
    return;
  }
  const values = points.map(p => p[1]), f = frame(box, 150, Math.min(...values), Math.max(...values));
  const first = points[0][0], last = Math.max(now * NS, points[points.length - 1][0]);
  const x = t => LEFT + (t - first) / Math.max(1, last - first) * (f.right - LEFT);
  let path = `M${LEFT} ${f.y(values[0])}`;
  for (const [t, v] of points) path += `H${x(t).toFixed(1)}V${f.y(v).toFixed(1)}`;
  path += `H${f.right}`;
  moments(f, 60, i => (first + (last - first) * i / 59) / NS, i => LEFT + (f.right - LEFT) * i / 59);
  f.root.append(svg("path", { class: "c-area", d: `${path}V${f.height - BOTTOM}H${LEFT}z` }), svg("path", { class: "c-line", d: path }));
  box.replaceChildren(f.root);
  box.setAttribute("aria-label", `Equity from ${money(values[0])} to ${money(values[values.length - 1])}`);
}

const EDGES = [250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, Infinity];
const NAMES = ["\u2264 0.25 ms", "0.5", "1", "2.5", "5", "10", "25", "50", "100", "250", "1 s", "longer"];

export function histogram(box, rows) {
  const counts = EDGES.map(() => 0);
  let all = 0;
  for (const row of rows) if (row.us !== null) { counts[EDGES.findIndex(edge => row.us <= edge)]++; all++; }
  const width = box.clientWidth || 600, height = 130, high = Math.max(1, ...counts);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, "aria-hidden": "true" });
  const slot = (width - 2 * LEFT) / counts.length, y = v => 18 + (1 - v / high) * (height - 18 - BOTTOM);
  root.append(svg("line", { class: "c-grid", x1: LEFT, x2: width - LEFT, y1: y(0), y2: y(0) }));
  counts.forEach((count, i) => {
    const left = LEFT + slot * i, middle = left + slot / 2;
    if (count) root.append(
      svg("rect", { class: "c-bar", rx: 3, x: left + slot * 0.12, width: slot * 0.76, y: Math.min(y(count), y(0) - 2), height: Math.max(2, y(0) - y(count)) }),
      svg("text", { class: "c-tick", "text-anchor": "middle", x: middle, y: Math.min(y(count), y(0) - 2) - 5 }, number(count)));
    if (width > 560 || i % 2 === 0) root.append(svg("text", { class: "c-tick", "text-anchor": "middle", x: middle, y: height - 5 }, NAMES[i]));
  });
  box.replaceChildren(root);
  box.setAttribute("aria-label", all ? `${all} signals: ${counts.map((c, i) => (c ? `${c} within ${NAMES[i]}` : "")).filter(Boolean).join(", ")}` : "No latency yet");
}

export function legend(list) {
  const one = (mark, words) => el("li", {}, svg("svg", { viewBox: "0 0 14 12", "aria-hidden": "true" }, mark), words);
  list.replaceChildren(
    one(svg("path", { class: "c-long", d: "M7 1l5 9h-10z" }), "long entry"),
    one(svg("path", { class: "c-short", d: "M7 10l5-9h-10z" }), "short entry"),
    one(svg("circle", { class: "c-exit", cx: 7, cy: 6, r: 4 }), "exit"),
    one(svg("line", { class: "c-work BUY", x1: 0, x2: 14, y1: 6, y2: 6 }), "working order"));
}
