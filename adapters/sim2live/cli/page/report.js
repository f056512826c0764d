// What a report's charts show: the price with positions and fills, and the equity of each side.
(() => {
  const D = JSON.parse(document.getElementById("figures").textContent);
  const RIBBON = 7;
  const day = i => new Date(D.time[i] * 1000);
  const fillsAt = byBar(D.fills);

  // One tick for each year, quarter or month, whichever leaves room for its words.
  function dates(lo, hi, width) {
    const most = Math.max(2, Math.floor(width / 84)), months = (hi - lo) / 21;
    const every = [1, 2, 3, 6, 12, 24, 36, 60].find(m => months / m <= most) || 60;
    const out = [];
    let before = null;
    for (let i = Math.max(0, lo); i <= hi; i++) {
      const d = day(i), month = d.getUTCFullYear() * 12 + d.getUTCMonth();
      if (before !== null && month !== before && month % every === 0) {
        const year = d.getUTCFullYear();
        const name = d.toLocaleString("en-US", { month: "short", timeZone: "UTC" });
        out.push([i, every >= 12 ? `${year}` : `${name} ${year}`]);
      }
      before = month;
    }
    return out;
  }

  function positions({ x, lo, hi, top, foot }) {
    const out = [];
    for (const [from, to, size] of D.held) {
      if (to < lo || from > hi) continue;
      const a = x(Math.max(from, lo)), b = x(Math.min(to, hi)), kind = size > 0 ? "long" : "short";
      const width = Math.max(0.5, b - a);
      out.push(`<rect class="ribbon ${kind}" x="${a}" width="${width}" y="${foot - RIBBON}" height="${RIBBON}"/>`);
      if (hi - lo < 500) out.push(`<rect class="held-${kind}" x="${a}" width="${width}" y="${top}" height="${foot - RIBBON - top}"/>`);
    }
    return out;
  }

  function marks({ x, y, lo, hi }) {
    const r = markSize(hi - lo);
    return D.fills.filter(f => f.i >= lo && f.i <= hi).map(f => f.entry
      ? triangle(f.size, x(f.i), y(f.price), r)
      : `<circle class="exit" cx="${x(f.i)}" cy="${y(f.price)}" r="${r * 0.85}"/>`);
  }

  function facts(at) {
    const out = [
      ["Close", money(D.close[at])],
      ["Position", `${D.position[at] > 0 ? "+" : ""}${D.position[at]}`],
    ];
    for (const f of fillsAt.get(at) || []) {
      out.push([`${f.size > 0 ? "Buy" : "Sell"} ${Math.abs(f.size)} (${f.entry ? "entry" : "exit"})`, money(f.price)]);
      if (f.paper !== null) out.push(["  at the gateway", money(f.paper)]);
    }
    out.push(["Simulated equity", money(D.simulated[at])], ["Dispatched equity", money(D.dispatched[at])]);
    if (D.pool[at] !== null) out.push(["Paper account", money(D.pool[at])]);
    return out;
  }

  const equity = { sim: D.simulated, live: D.dispatched, pool: D.pool };
  charts({
    count: D.time.length, right: 62, dates, facts, title: i => day(i).toISOString().slice(0, 10),
    price: v => +v.toFixed(6) === Math.round(v) ? Math.round(v).toLocaleString("en-US") : v.toFixed(2),
    panels: [
      { id: "price", height: 380, pad: 0.1, lows: [D.close], highs: [D.close],
        shapes: frame => [...positions(frame), line("price", D.close, frame), ...marks(frame)] },
      { id: "equity", height: 230, pad: 0.07, lows: Object.values(equity), highs: Object.values(equity),
        shapes: frame => Object.entries(equity).map(([name, values]) => line(name, values, frame)) },
    ],
  });
})();
