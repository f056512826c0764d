// Panels over one time axis: zoom, pan, cross and tip. What a panel shows and what the tip says is
// the page's own. Nothing is loaded from outside.
"use strict";
const money = v => v.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const text = (node, words) => Object.assign(node, { textContent: words });

function byBar(fills) {
  const found = new Map();
  for (const f of fills) found.set(f.i, [...(found.get(f.i) || []), f]);
  return found;
}

// Round numbers between two prices, about as many as wanted.
function ticks(low, high, wanted) {
  const raw = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map(m => m * power).find(s => s >= raw);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) out.push(v);
  return out;
}

// A line through values; it breaks where one is null.
function line(name, values, { x, y, lo, hi }) {
  let path = "";
  for (let i = lo, pen = "M"; i <= hi; i++) {
    if (values[i] === null) { pen = "M"; continue; }
    path += `${pen}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`;
    pen = "L";
  }
  return `<path class="series ${name}" d="${path}"/>`;
}

// A triangle below a buy or above a sale; its point is the price.
function triangle(size, cx, price, r) {
  const up = size > 0 ? 1 : -1, cy = price + up * r * 1.9;
  return `<path class="${up > 0 ? "long" : "short"}" d="M${cx} ${cy - up * r}l${r} ${up * r * 1.9}h${-2 * r}z"/>`;
}

// How large a mark is, so that many bars do not drown in them.
const markSize = bars => bars > 1500 ? 2.6 : bars > 400 ? 4 : 5.5;

// page: count of bars; panels {id, height, pad, lows, highs (lists of series with nulls), shapes(frame)};
// right, the room for prices; price(v); dates(lo, hi, width) as [bar, words]; title(bar);
// facts(bar) as [name, words].
function charts(page) {
  const LEFT = 8, RIGHT = page.right, TOP = 10, BOTTOM = 24, LEAST = 20, last = page.count - 1;
  const panels = page.panels.map(p => ({ ...p, el: document.getElementById(p.id) }));
  const tip = document.getElementById("tip");
  let view = [0, last], drag = null, at = null;

  function bounds(p) {
    const [lo, hi] = view;
    let low = Infinity, high = -Infinity;
    for (let i = lo; i <= hi; i++) {
      for (const values of p.lows) if (values[i] !== null) low = Math.min(low, values[i]);
      for (const values of p.highs) if (values[i] !== null) high = Math.max(high, values[i]);
    }
    const pad = (high - low || Math.abs(high) || 1) * p.pad;
    return [low - pad, high + pad];
  }

  function draw() {
    const [lo, hi] = view;
    for (const p of panels) {
      const w = p.el.clientWidth, h = p.height, foot = h - BOTTOM, [low, high] = bounds(p);
      const x = i => LEFT + (i - lo) / Math.max(1, hi - lo) * (w - LEFT - RIGHT);
      const y = v => TOP + (high - v) / (high - low) * (foot - TOP);
      const out = [];
      for (const v of ticks(low, high, h / 62))
        out.push(`<line class="grid" x1="${LEFT}" x2="${w - RIGHT}" y1="${y(v)}" y2="${y(v)}"/>`,
          `<text class="tick" x="${w - RIGHT + 8}" y="${y(v) + 4}">${page.price(v)}</text>`);
      for (const [i, words] of page.dates(lo, hi, w))
        out.push(`<line class="grid" x1="${x(i)}" x2="${x(i)}" y1="${TOP}" y2="${foot}"/>`,
          `<text class="tick" text-anchor="middle" x="${x(i)}" y="${h - 6}">${words}</text>`);
      out.push(...p.shapes({ x, y, lo, hi, top: TOP, foot, width: w - LEFT - RIGHT }));
      if (drag && drag.from !== drag.to) {
        const a = x(Math.min(drag.from, drag.to)), b = x(Math.max(drag.from, drag.to));
        out.push(`<rect class="select" x="${a}" width="${b - a}" y="${TOP}" height="${foot - TOP}"/>`);
      }
      if (at !== null && at >= lo && at <= hi)
        out.push(`<line class="cross" x1="${x(at)}" x2="${x(at)}" y1="${TOP}" y2="${foot}"/>`);
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
    const width = Math.min(last, Math.max(LEAST, Math.round(hi - lo)));
    const start = Math.round(Math.min(last - width, Math.max(0, lo)));
    view = [start, start + width];
    draw();
  }
  const all = () => show(0, last);
  const zoom = by => {
    const [lo, hi] = view, middle = at ?? (lo + hi) / 2, half = (hi - lo) * by;
    show(middle - (middle - lo) / (hi - lo) * half, middle + (hi - middle) / (hi - lo) * half);
  };
  const pan = by => { const [lo, hi] = view, step = (hi - lo) * by; show(lo + step, hi + step); };

  function tell(event) {
    tip.replaceChildren(text(document.createElement("b"), page.title(at)));
    for (const fact of page.facts(at)) {
      const row = document.createElement("div");
      row.append(...fact.map(words => text(document.createElement("span"), words)));
      tip.append(row);
    }
    tip.style.display = "block";
    const right = event.clientX + tip.offsetWidth + 26 > innerWidth;
    tip.style.left = `${right ? Math.max(4, event.clientX - tip.offsetWidth - 16) : event.clientX + 16}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8))}px`;
  }

  const keys = { ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), "+": () => zoom(0.5), "-": () => zoom(2), 0: all };
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
    p.el.addEventListener("dblclick", all);
    p.el.addEventListener("keydown", e => { if (keys[e.key]) { e.preventDefault(); keys[e.key](); } });
  }
  const acts = { all, out: () => zoom(2), in: () => zoom(0.5), back: () => pan(-0.5), on: () => pan(0.5) };
  for (const b of document.querySelectorAll("button[data-act]"))
    b.addEventListener("click", () => { at = null; acts[b.dataset.act](); });
  addEventListener("resize", draw);
  draw();
}
