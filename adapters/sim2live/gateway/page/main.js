// Keeps what the gateway tells, and shows it: tiles, table, filters, charts.

import { candles, equity, histogram, legend } from "./charts.js";
import { kind, refreshDetail, showDetail } from "./detail.js";
import { $, el, gain, micros, money, number, signed, text, times } from "./dom.js";
import { Grid } from "./grid.js";
import { confirmed, showMoney } from "./money.js";
import { ask, follow, setToken } from "./stream.js";

let rows = new Map();      // by number
let coming = null;         // those of a new connection, until it has told everything
let view = [];             // newest first, filtered
let standing = { pools: [], accounts: [], positions: [], prices: [], halted: [], working: 0 };
let counts = { accepted: 0, refused: 0 };
let kept = 10000, last = 300, chartDue = 0, drawDue = false, added = 0;

// -- the table ---------------------------------------------------------------------------
const put = (cell, words) => { if (cell.textContent !== words) { cell.textContent = words; cell.title = words; } };
const columns = [
  { title: "Time", class: "c-time", show: (cell, row) => { put(cell, times.short.format(row.t)); cell.title = times.full.format(row.t); } },
  { title: "Signal", class: "c-id", show: (cell, row) => put(cell, row.id || "(not a valid signal)") },
  { title: "Pool", class: "c-pool", show: (cell, row) => put(cell, row.pool) },
  { title: "Instrument", class: "c-inst", show: (cell, row) => put(cell, row.inst || "") },
  { title: "Side", class: "c-side", show: (cell, row) => { put(cell, row.side || ""); cell.className = `c-side ${row.side || ""}`; } },
  { title: "Qty", class: "c-qty right", show: (cell, row) => put(cell, number(row.qty)) },
  { title: "Type", class: "c-type", show: (cell, row) => put(cell, kind(row) + (row.target || row.stop ? " + bracket" : "")) },
  { title: "Outcome", class: "c-state", show: (cell, row) => {
    if (cell.textContent !== row.state) cell.replaceChildren(el("span", { class: `state ${row.state}` }, row.state));
  } },
  { title: "Latency", class: "c-us right", show: (cell, row) => put(cell, micros(row.us)) },
  { title: "Reason", class: "c-reason", show: (cell, row) => {
    put(cell, row.reason);
    cell.parentElement.classList.toggle("bare", !row.side);
  } },
];
const grid = new Grid($("grid"), columns, { label: "Signals, newest first", open: showDetail });

function matches(row) {
  const pool = $("pool").value, instrument = $("instrument-filter").value;
  const side = $("side-filter").value, state = $("state-filter").value;
  const words = $("search").value.trim().toLowerCase();
  return (!pool || row.pool === pool) && (!instrument || row.inst === instrument)
    && (!side || row.side === side) && (!state || row.state === state)
    && (!words || `${row.id || ""} ${row.reason}`.toLowerCase().includes(words));
}

function draw() {
  drawDue = false;
  const sorted = [...rows.values()].sort((a, b) => b.n - a.n);
  for (const old of sorted.splice(kept)) rows.delete(old.n);
  view = sorted.filter(matches);
  const fresh = added;
  added = 0;
  grid.set(view, view.length === sorted.length ? fresh : 0);
  const filtered = view.length !== sorted.length, total = counts.accepted + counts.refused;
  $("clear").hidden = !filtered;
  text("shown", !total ? "" : filtered ? `${number(view.length)} of ${number(sorted.length)}`
    : total > sorted.length ? `newest ${number(sorted.length)} of ${number(total)}` : number(total));
  $("empty").hidden = sorted.length > 0;
  $("none").hidden = view.length > 0 || !sorted.length;
  $("grid").hidden = !view.length;
  options($("instrument-filter"), [...new Set(sorted.map(row => row.inst).filter(Boolean))].sort(), "All instruments");
  tiles();
  histogram($("latency"), view);
}
const soon = () => { if (!drawDue) { drawDue = true; requestAnimationFrame(draw); } };

function options(select, names, all = null) {
  const wanted = all === null ? names : ["", ...names], chosen = select.value;
  if (wanted.length === select.options.length && wanted.every((name, i) => select.options[i].value === name)) return;
  select.replaceChildren(...wanted.map(name => el("option", { value: name }, name || all)));
  select.value = wanted.includes(chosen) ? chosen : wanted[0] ?? "";
}

// -- figures -----------------------------------------------------------------------------
function tiles() {
  const pool = $("pool").value, pools = standing.pools.filter(row => !pool || row.pool === pool);
  const sum = name => pools.reduce((total, row) => total + row[name], 0);
  const speeds = view.map(row => row.us).filter(us => us !== null).sort((a, b) => a - b);
  const at = share => speeds.length ? micros(speeds[Math.min(speeds.length - 1, Math.floor(share * speeds.length))]) : "\u2013";
  const profit = sum("realised") + sum("unrealised");
  const list = [
    ["Accepted", number(counts.accepted), ""], ["Refused", number(counts.refused), counts.refused ? "loss" : ""],
    ["Working orders", number(standing.working), ""], ["Equity", money(sum("equity")), ""],
    ["Profit and loss", signed(profit), gain(profit)], ["Latency, p50 and p99", speeds.length ? `${at(0.5).split(" ")[0]} / ${at(0.99)}` : at(0.5), ""],
  ];
  const box = $("tiles");
  if (!box.children.length) box.append(...list.map(([name]) => el("dl", { class: "tile" }, el("dt", {}, name), el("dd"))));
  list.forEach(([, value, style], i) => {
    const dd = box.children[i].lastElementChild;
    if (dd.textContent !== value) dd.textContent = value;
    dd.className = style;
  });
  text("latency-text", speeds.length ? `p50 ${at(0.5)}, p99 ${at(0.99)}, worst ${micros(speeds[speeds.length - 1])}` : "");
}

async function drawChart() {
  const name = $("instrument").value, pool = $("pool").value;
  const price = standing.prices.find(row => `${row.instrument.exchange}:${row.instrument.symbol}` === name);
  $("synthetic").hidden = price?.source !== "synthetic";
  if (!name) { candles($("candles"), { candles: [] }, "", $("readout")); }
  const asked = name || "SIM:NONE";
  try {
    const found = await ask(`activity/chart?${new URLSearchParams({ instrument: asked, pool, last })}`);
    if (name === $("instrument").value && name) candles($("candles"), found.chart, name, $("readout"));
    equity($("equity"), found.equity, Date.now());
  } catch { /* the stream says what is wrong */ }
}
function chartSoon() {
  if (chartDue) return;
  chartDue = setTimeout(async () => { if (!document.hidden) await drawChart(); chartDue = 0; }, 900);
}

// -- news --------------------------------------------------------------------------------
let spoken = 0;
function speak(news) {
  const now = Date.now();
  if (!news.length || now - spoken < 3000) return;
  spoken = now;
  const row = news[news.length - 1], others = news.length - 1;
  $("said").textContent = `${row.id || "Message"} ${row.side || ""} ${row.qty || ""} ${row.inst || ""} ${row.state}${others ? ` and ${others} more` : ""}`;
}

function onEvent(name, content) {
  if (name === "hello") {
    coming = new Map();
    kept = content.kept;
    text("about", `sim2live ${content.version}, store ${content.store}.`);
  } else if (name === "signals") {
    counts = { accepted: content.accepted, refused: content.refused };
    const into = coming ?? rows, news = [];
    for (const row of content.rows) {
      if (!coming && !into.has(row.n)) { row.fresh = true; added++; news.push(row); }
      into.set(row.n, row);
    }
    speak(news);
    refreshDetail(content.rows);
    if (!coming) { soon(); chartSoon(); }
  } else if (name === "ready") {
    rows = coming;
    coming = null;
    soon();
  } else if (name === "money") {
    standing = content;
    options($("pool"), content.pools.map(row => row.pool), "all");
    $("instrument").hidden = !content.prices.length;
    options($("instrument"), content.prices.map(row => `${row.instrument.exchange}:${row.instrument.symbol}`));
    showMoney(standing, $("pool").value);
    tiles();
    chartSoon();
  }
}

// -- what the reader can choose ------------------------------------------------------------
function remember(id, apply) {
  const select = $(id);
  select.value = localStorage.getItem(`sim2live-${id}`) ?? "";
  if (select.selectedIndex < 0) select.value = "";
  apply(select.value);
  select.addEventListener("change", () => { localStorage.setItem(`sim2live-${id}`, select.value); apply(select.value); });
}
remember("theme", value => { document.documentElement.dataset.theme = value; });
remember("zone", value => { times.use(value); grid.again(); drawChart(); });
for (const id of ["instrument-filter", "side-filter", "state-filter"]) $(id).addEventListener("change", draw);
$("search").addEventListener("input", soon);
$("pool").addEventListener("change", () => { draw(); showMoney(standing, $("pool").value); drawChart(); });
$("instrument").addEventListener("change", drawChart);
$("clear").addEventListener("click", () => {
  for (const id of ["search", "instrument-filter", "side-filter", "state-filter", "pool"]) $(id).value = "";
  $("pool").dispatchEvent(new Event("change"));
  $("search").focus();
});
for (const button of document.querySelectorAll("[data-last]"))
  button.addEventListener("click", () => {
    last = Number(button.dataset.last);
    for (const other of document.querySelectorAll("[data-last]")) other.setAttribute("aria-pressed", String(other === button));
    drawChart();
  });
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("snippet").textContent);
  $("copy").textContent = "Copied";
  setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
});
addEventListener("resize", () => { histogram($("latency"), view); chartSoon(); });
document.addEventListener("visibilitychange", chartSoon);

$("snippet").textContent = `import requests

response = requests.post(
    "${location.origin}/signal/python-test",
    json={
        "schema_version": "1.0",
        "signal_id": "test-001",
        "workflow_id": "python-test",
        "instrument": {"exchange": "CME", "symbol": "MESU6"},
        "side": "BUY",
        "qty": 1
    }
)
print(response.status_code)  # 200
print(response.json())  # {"status": "accepted", ...}`;
legend($("legend"));
tiles();
follow("activity/stream", {
  onEvent,
  onLink: (kindOf, words) => { $("link").className = `link ${kindOf}`; text("link-text", words); },
  onToken: () => confirmed({
    title: "This gateway asks for a token", action: "Go on", label: "Token", secret: true,
    words: "It is the one that callers show as Authorization: Bearer. It stays in this tab.",
    run: async value => { setToken(value); await ask("health"); return true; },
  }),
});
