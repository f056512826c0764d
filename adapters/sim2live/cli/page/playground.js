// Draws candles, trades and equity from the figures in the page. Nothing is loaded from outside.
(() => {
  "use strict";
  const D = JSON.parse(document.getElementById("figures").textContent);
  const count = D.time.length;
  if (!count) return;
  const LEFT = 8, RIGHT = 66, TOP = 10, BOTTOM = 24, LEAST = 20;
  const text = i => new Date(D.time[i] * 1000).toISOString().slice(0, 19).replace("T", " ");
  const money = v => v.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const fillsAt = new Map();
  for (const f of D.fills) fillsAt.set(f.i, [...(fillsAt.get(f.i) || []), f]);
  const panels = [
    { id: "price", height: 380, low: D.low, high: D.high },
    { id: "equity", height: 210, low: D.equity, high: D.equity },
  ].map(p => ({ ...p, el: document.getElementById(p.id) }));
  const tip = document.getElementById("tip");
  let view = [0, count - 1], drag = null, at = null;

  function ticks(low, high, wanted) {
    const raw = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map(m => m * power).find(s => s >= raw);
    const out = [];
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) out.push(v);
    return out;
  }

  // Candles while each has room, else one line from low to high for each column of pixels.
  function candles(x, y, lo, hi, width) {
    const out = [], per = (hi - lo + 1) / width, room = width / (hi - lo + 1);
    const every = Math.max(1, Math.ceil(per));
    let up = "", down = "";
    for (let i = lo; i <= hi; i += every) {
      let high = D.high[i], low = D.low[i];
      const last = Math.min(hi, i + every - 1);
      for (let k = i + 1; k <= last; k++) { high = Math.max(high, D.high[k]); low = Math.min(low, D.low[k]); }
      const open = D.open[i], close = D.close[last], cx = x(i).toFixed(1);
      const stick = `M${cx} ${y(high).toFixed(1)}V${y(low).toFixed(1)}`;
      const half = Math.min(5, room * 0.35);
      const body = room > 3
        ? `M${(x(i) - half).toFixed(1)} ${y(open).toFixed(1)}h${(2 * half).toFixed(1)}V${y(close).toFixed(1)}h${(-2 * half).toFixed(1)}z` : "";
      if (close >= open) up += stick + body; else down += stick + body;
    }
    out.push(`<path class="candle rise" d="${up}"/>`, `<path class="candle fall" d="${down}"/>`);
    return out;
  }

  function draw() {
    const [lo, hi] = view;
    for (const p of panels) {
      const w = p.el.clientWidth, h = p.height;
      let low = Infinity, high = -Infinity;
      for (let i = lo; i <= hi; i++) { low = Math.min(low, p.low[i]); high = Math.max(high, p.high[i]); }
      const pad = (high - low || Math.abs(high) || 1) * 0.08;
      low -= pad; high += pad;
      const x = i => LEFT + (i - lo) / Math.max(1, hi - lo) * (w - LEFT - RIGHT);
      const y = v => TOP + (high - v) / (high - low) * (h - TOP - BOTTOM);
      const out = [];
      for (const v of ticks(low, high, h / 62))
        out.push(`<line class="grid" x1="${LEFT}" x2="${w - RIGHT}" y1="${y(v)}" y2="${y(v)}"/>`,
          `<text class="tick" x="${w - RIGHT + 8}" y="${y(v) + 4}">${v.toLocaleString("en-US")}</text>`);
      const step = Math.max(1, Math.ceil((hi - lo) / Math.max(2, Math.floor(w / 150))));
      for (let i = lo + step; i < hi; i += step)
        out.push(`<line class="grid" x1="${x(i)}" x2="${x(i)}" y1="${TOP}" y2="${h - BOTTOM}"/>`,
          `<text class="tick" text-anchor="middle" x="${x(i)}" y="${h - 6}">${text(i).slice(5, 16)}</text>`);
      if (p.id === "price") {
        out.push(...candles(x, y, lo, hi, w - LEFT - RIGHT));
        const r = hi - lo > 1500 ? 2.6 : hi - lo > 400 ? 4 : 5.5;
        for (const f of D.fills) {
          if (f.i < lo || f.i > hi) continue;
          const up = f.size > 0 ? 1 : -1, cy = y(f.price) + up * r * 1.9;
          out.push(`<path class="${up > 0 ? "long" : "short"}" d="M${x(f.i)} ${cy - up * r}l${r} ${up * r * 1.9}h${-2 * r}z"/>`);
        }
      } else {
        let path = "";
        for (let i = lo; i <= hi; i++) path += `${i === lo ? "M" : "L"}${x(i).toFixed(1)} ${y(D.equity[i]).toFixed(1)}`;
        out.push(`<path class="series live" d="${path}"/>`);
      }
      if (drag && drag.from !== drag.to) {
        const a = x(Math.min(drag.from, drag.to)), b = x(Math.max(drag.from, drag.to));
        out.push(`<rect class="select" x="${a}" width="${b - a}" y="${TOP}" height="${h - TOP - BOTTOM}"/>`);
      }
      if (at !== null && at >= lo && at <= hi)
        out.push(`<line class="cross" x1="${x(at)}" x2="${x(at)}" y1="${TOP}" y2="${h - BOTTOM}"/>`);
      const svg = p.el.firstElementChild;
      svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
      svg.setAttribute("height", h);
      svg.innerHTML = out.join("");
    }
  }

  function indexOf(event, p) {
    const box = p.el.getBoundingClientRect(), [lo, hi] = view;
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    return Math.round(Math.min(hi, Math.max(lo, lo + share * (hi - lo))));
  }
  function show(lo, hi) {
    const width = Math.min(count - 1, Math.max(LEAST, Math.round(hi - lo)));
    const start = Math.round(Math.min(count - 1 - width, Math.max(0, lo)));
    view = [start, start + width];
    draw();
  }
  const zoom = by => {
    const [lo, hi] = view, middle = at ?? (lo + hi) / 2, half = (hi - lo) * by;
    show(middle - (middle - lo) / (hi - lo) * half, middle + (hi - middle) / (hi - lo) * half);
  };
  const pan = by => { const [lo, hi] = view, step = (hi - lo) * by; show(lo + step, hi + step); };

  function row(name, value) {
    const div = document.createElement("div");
    for (const part of [name, value]) div.appendChild(document.createElement("span")).textContent = part;
    tip.appendChild(div);
  }
  function tell(event) {
    tip.replaceChildren();
    tip.appendChild(document.createElement("b")).textContent = text(at);
    for (const name of ["open", "high", "low", "close", "equity"])
      row(name[0].toUpperCase() + name.slice(1), money(D[name][at]));
    for (const f of fillsAt.get(at) || [])
      row(`${f.size > 0 ? "Buy" : "Sell"} ${Math.abs(f.size)}`, money(f.price));
    tip.style.display = "block";
    const right = event.clientX + tip.offsetWidth + 26 > innerWidth;
    tip.style.left = `${right ? Math.max(4, event.clientX - tip.offsetWidth - 16) : event.clientX + 16}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8))}px`;
  }

  for (const p of panels) {
    p.el.addEventListener("pointermove", e => { at = indexOf(e, p); if (drag) drag.to = at; draw(); tell(e); });
    p.el.addEventListener("pointerleave", () => { at = null; tip.style.display = "none"; draw(); });
    p.el.addEventListener("pointerdown", e => {
      if (e.pointerType !== "mouse" || e.button) return;
      p.el.setPointerCapture(e.pointerId);
      drag = { from: indexOf(e, p), to: indexOf(e, p) };
    });
    const drop = () => {
      const d = drag;
      drag = null;
      if (d && Math.abs(d.to - d.from) > 3) show(Math.min(d.from, d.to), Math.max(d.from, d.to));
      else draw();
    };
    p.el.addEventListener("pointerup", drop);
    p.el.addEventListener("pointercancel", drop);
    p.el.addEventListener("dblclick", () => show(0, count - 1));
    p.el.addEventListener("keydown", e => {
      const act = { ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), "+": () => zoom(0.5), "-": () => zoom(2), 0: () => show(0, count - 1) }[e.key];
      if (act) { e.preventDefault(); act(); }
    });
  }
  const acts = { all: () => show(0, count - 1), out: () => zoom(2), in: () => zoom(0.5), back: () => pan(-0.5), on: () => pan(0.5) };
  for (const b of document.querySelectorAll("button[data-act]"))
    b.addEventListener("click", () => { at = null; acts[b.dataset.act](); });
  addEventListener("resize", draw);
  draw();
})();
