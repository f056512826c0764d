// Draws the charts of a report from the figures in the page. Nothing is loaded from outside.
(() => {
  "use strict";
  const D = JSON.parse(document.getElementById("figures").textContent);
  const count = D.time.length;
  const LEFT = 8, RIGHT = 62, TOP = 10, BOTTOM = 24, RIBBON = 7, LEAST = 20;
  const day = i => new Date(D.time[i] * 1000);
  const dayText = i => day(i).toISOString().slice(0, 10);
  const money = v => v.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const fillsAt = new Map();
  for (const f of D.fills) fillsAt.set(f.i, [...(fillsAt.get(f.i) || []), f]);

  const panels = [
    { id: "price", height: 380, series: [["price", D.close]], marks: true },
    { id: "equity", height: 230, series: [["sim", D.simulated], ["live", D.dispatched], ["pool", D.pool]] },
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

  function draw() {
    const [lo, hi] = view;
    for (const p of panels) {
      const w = p.el.clientWidth, h = p.height;
      let low = Infinity, high = -Infinity;
      for (const [, values] of p.series)
        for (let i = lo; i <= hi; i++) {
          const v = values[i];
          if (v === null) continue;
          if (v < low) low = v;
          if (v > high) high = v;
        }
      const pad = (high - low || Math.abs(high) || 1) * (p.marks ? 0.1 : 0.07);
      low -= pad; high += pad;
      const x = i => LEFT + (i - lo) / Math.max(1, hi - lo) * (w - LEFT - RIGHT);
      const y = v => TOP + (high - v) / (high - low) * (h - TOP - BOTTOM);
      p.x = x;
      const out = [];
      for (const v of ticks(low, high, h / 62))
        out.push(`<line class="grid" x1="${LEFT}" x2="${w - RIGHT}" y1="${y(v)}" y2="${y(v)}"/>`,
          `<text class="tick" x="${w - RIGHT + 8}" y="${y(v) + 4}">${+v.toFixed(6) === Math.round(v) ? Math.round(v).toLocaleString("en-US") : v.toFixed(2)}</text>`);
      for (const [i, text] of dates(lo, hi, w))
        out.push(`<line class="grid" x1="${x(i)}" x2="${x(i)}" y1="${TOP}" y2="${h - BOTTOM}"/>`,
          `<text class="tick" text-anchor="middle" x="${x(i)}" y="${h - 6}">${text}</text>`);
      if (p.marks)
        for (const [from, to, size] of D.held) {
          if (to < lo || from > hi) continue;
          const a = x(Math.max(from, lo)), b = x(Math.min(to, hi)), kind = size > 0 ? "long" : "short";
          const width = Math.max(0.5, b - a), foot = h - BOTTOM;
          out.push(`<rect class="ribbon ${kind}" x="${a}" width="${width}" y="${foot - RIBBON}" height="${RIBBON}"/>`);
          if (hi - lo < 500) out.push(`<rect class="held-${kind}" x="${a}" width="${width}" y="${TOP}" height="${foot - RIBBON - TOP}"/>`);
        }
      for (const [name, values] of p.series) {
        let path = "";
        for (let i = lo, pen = "M"; i <= hi; i++) {
          if (values[i] === null) { pen = "M"; continue; }
          path += `${pen}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`;
          pen = "L";
        }
        out.push(`<path class="series ${name}" d="${path}"/>`);
      }
      if (p.marks) {
        const r = hi - lo > 1500 ? 2.6 : hi - lo > 400 ? 4 : 5.5;
        for (const f of D.fills) {
          if (f.i < lo || f.i > hi) continue;
          const cx = x(f.i), up = f.size > 0 ? 1 : -1, cy = y(f.price) + (f.entry ? up * r * 1.9 : 0);
          out.push(f.entry
            ? `<path class="${up > 0 ? "long" : "short"}" d="M${cx} ${cy - up * r}l${r} ${up * r * 1.9}h${-2 * r}z"/>`
            : `<circle class="exit" cx="${cx}" cy="${cy}" r="${r * 0.85}"/>`);
        }
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
    for (const text of [name, value]) div.appendChild(document.createElement("span")).textContent = text;
    tip.appendChild(div);
  }
  function tell(event) {
    tip.replaceChildren();
    tip.appendChild(document.createElement("b")).textContent = dayText(at);
    row("Close", money(D.close[at]));
    row("Position", `${D.position[at] > 0 ? "+" : ""}${D.position[at]}`);
    for (const f of fillsAt.get(at) || []) {
      row(`${f.size > 0 ? "Buy" : "Sell"} ${Math.abs(f.size)} (${f.entry ? "entry" : "exit"})`, money(f.price));
      if (f.paper !== null) row("  at the gateway", money(f.paper));
    }
    row("Simulated equity", money(D.simulated[at]));
    row("Dispatched equity", money(D.dispatched[at]));
    if (D.pool[at] !== null) row("Paper account", money(D.pool[at]));
    tip.style.display = "block";
    const right = event.clientX + tip.offsetWidth + 26 > innerWidth;
    tip.style.left = `${right ? Math.max(4, event.clientX - tip.offsetWidth - 16) : event.clientX + 16}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8))}px`;
  }

  for (const p of panels) {
    p.el.addEventListener("pointermove", e => {
      at = indexOf(e, p);
      if (drag) drag.to = at;
      draw(); tell(e);
    });
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
