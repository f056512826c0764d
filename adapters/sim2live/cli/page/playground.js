// What a Playground run's charts show: candles with trades, and equity.
(() => {
  const D = JSON.parse(document.getElementById("figures").textContent);
  if (!D.time.length) return;
  const time = i => new Date(D.time[i] * 1000).toISOString().slice(0, 19).replace("T", " ");
  const fillsAt = byBar(D.fills);

  // Candles while each has room, else one line from low to high for each column of pixels.
  function candles({ x, y, lo, hi, width }) {
    const room = width / (hi - lo + 1), every = Math.max(1, Math.ceil(1 / room));
    let up = "", down = "";
    for (let i = lo; i <= hi; i += every) {
      let high = D.high[i], low = D.low[i];
      const last = Math.min(hi, i + every - 1);
      for (let k = i + 1; k <= last; k++) { high = Math.max(high, D.high[k]); low = Math.min(low, D.low[k]); }
      const open = D.open[i], close = D.close[last], half = Math.min(5, room * 0.35);
      const stick = `M${x(i).toFixed(1)} ${y(high).toFixed(1)}V${y(low).toFixed(1)}`;
      const body = room > 3
        ? `M${(x(i) - half).toFixed(1)} ${y(open).toFixed(1)}h${(2 * half).toFixed(1)}V${y(close).toFixed(1)}h${(-2 * half).toFixed(1)}z` : "";
      if (close >= open) up += stick + body; else down += stick + body;
    }
    return [`<path class="candle rise" d="${up}"/>`, `<path class="candle fall" d="${down}"/>`];
  }

  function prices(frame) {
    const { x, y, lo, hi } = frame, r = markSize(hi - lo);
    const seen = D.fills.filter(f => f.i >= lo && f.i <= hi);
    return [...candles(frame), ...seen.map(f => triangle(f.size, x(f.i), y(f.price), r))];
  }

  function dates(lo, hi, width) {
    const step = Math.max(1, Math.ceil((hi - lo) / Math.max(2, Math.floor(width / 150)))), out = [];
    for (let i = lo + step; i < hi; i += step) out.push([i, time(i).slice(5, 16)]);
    return out;
  }

  function facts(at) {
    const bar = ["open", "high", "low", "close", "equity"];
    const fills = fillsAt.get(at) || [];
    return [
      ...bar.map(name => [name[0].toUpperCase() + name.slice(1), money(D[name][at])]),
      ...fills.map(f => [`${f.size > 0 ? "Buy" : "Sell"} ${Math.abs(f.size)}`, money(f.price)]),
    ];
  }

  charts({
    count: D.time.length, right: 66, price: v => v.toLocaleString("en-US"), dates, title: time, facts,
    panels: [
      { id: "price", height: 380, pad: 0.08, lows: [D.low], highs: [D.high], shapes: prices },
      { id: "equity", height: 210, pad: 0.08, lows: [D.equity], highs: [D.equity],
        shapes: frame => [line("live", D.equity, frame)] },
    ],
  });
})();
