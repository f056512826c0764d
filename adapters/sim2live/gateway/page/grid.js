// A table of any length in which only the rows in view exist.

import { el } from "./dom.js";

const SPARE = 6;

export class Grid {
  constructor(box, columns, { label, open }) {
    this.columns = columns;
    this.open = open;
    this.rows = [];
    this.nodes = [];
    this.current = 0;
    const titles = columns.map(c => el("span", { role: "columnheader", class: c.class }, c.title));
    this.canvas = el("div", { role: "presentation" });
    this.body = el("div", { class: "g-body", role: "rowgroup" }, this.canvas);
    this.table = el("div", { role: "table", "aria-label": label, "aria-colcount": columns.length },
      el("div", { role: "rowgroup" }, el("div", { role: "row", class: "g-row g-head", "aria-rowindex": 1 }, titles)),
      this.body);
    box.append(this.table);
    this.body.addEventListener("scroll", () => this.draw(), { passive: true });
    this.body.addEventListener("keydown", event => this.key(event));
    new ResizeObserver(() => this.fit()).observe(box);
    this.fit();
  }

  // New rows come in at the top; whoever has scrolled down keeps their place.
  set(rows, added = 0) {
    this.rows = rows;
    this.table.setAttribute("aria-rowcount", rows.length + 1);
    this.fit();
    if (added && this.body.scrollTop > 0) this.body.scrollTop += added * this.height;
    this.draw();
  }

  fit() {
    this.height = parseFloat(getComputedStyle(this.table).getPropertyValue("--row")) || 36;
    this.canvas.style.height = `${this.rows.length * this.height}px`;
    this.body.style.height = `${this.rows.length * this.height}px`;
    this.draw();
  }

  draw() {
    const view = this.body.clientHeight, count = Math.min(this.rows.length, Math.ceil(view / this.height) + 2 * SPARE);
    while (this.nodes.length < count) this.nodes.push(this.make());
    while (this.nodes.length > count) this.nodes.pop().remove();
    if (!count) return;
    const first = Math.max(0, Math.min(this.rows.length - count, Math.floor(this.body.scrollTop / this.height) - SPARE));
    for (let i = first; i < first + count; i++) this.show(this.nodes[i % count], i);
  }

  make() {
    const cells = this.columns.map(c => el("span", { role: "cell", class: `${c.class || ""}` }));
    const node = el("div", { role: "row", class: "g-row" }, cells);
    node.addEventListener("click", () => { this.current = node.at; this.open(node.row); });
    node.addEventListener("focus", () => { this.current = node.at; });
    this.body.append(node);
    return node;
  }

  show(node, at) {
    const row = this.rows[at];
    if (node.at !== at) {
      node.at = at;
      node.style.transform = `translateY(${at * this.height}px)`;
      node.setAttribute("aria-rowindex", at + 2);
    } else if (node.tall !== this.height) node.style.transform = `translateY(${at * this.height}px)`;
    node.tall = this.height;
    node.tabIndex = at === this.current ? 0 : -1;
    if (node.row === row && node.stamp === this.stamp) return;
    node.row = row;
    node.stamp = this.stamp;
    node.dataset.n = row.n;
    node.classList.toggle("fresh", Boolean(row.fresh));
    this.columns.forEach((column, i) => column.show(node.children[i], row));
  }

  // Everything is written again, as after a change of the time zone.
  again() { this.stamp = {}; this.draw(); }

  key(event) {
    const page = Math.max(1, Math.floor(this.body.clientHeight / this.height) - 1);
    const last = this.rows.length - 1;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -last, End: last };
    if (event.key === "Enter" || event.key === " ") this.open(this.rows[this.current]);
    else if (event.key in moves) this.go(Math.max(0, Math.min(last, this.current + moves[event.key])));
    else return;
    event.preventDefault();
  }

  go(at) {
    this.current = at;
    const top = at * this.height, view = this.body.clientHeight;
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    else if (top + this.height > this.body.scrollTop + view) this.body.scrollTop = top + this.height - view;
    this.draw();
    this.nodes.find(node => node.at === at)?.focus({ preventScroll: true });
  }
}
