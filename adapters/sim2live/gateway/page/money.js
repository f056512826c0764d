// Shows pools, accounts and positions, and asks before a pool is halted or flattened.

import { $, el, gain, money, number, signed } from "./dom.js";
import { post } from "./stream.js";

const cell = (value, kind = "") => el("td", kind ? { class: kind } : {}, value);
const heads = (...names) => el("thead", {}, el("tr", {}, names.map(name => el("th", { scope: "col" }, name))));
export const table = (names, rows) => el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": names[0] },
  el("table", {}, heads(...names), el("tbody", {}, rows)));

// A dialog with one question; `word` must be typed where more than a click is wanted.
export function confirmed({ title, words, action, word = null, label = "", secret = false, run }) {
  const dialog = $("ask"), input = $("ask-input"), yes = $("ask-yes");
  $("ask-title").textContent = title;
  $("ask-text").textContent = words;
  $("ask-error").textContent = "";
  $("ask-name").textContent = label;
  $("ask-label").hidden = !label;
  yes.textContent = action;
  yes.className = secret ? "" : "danger";
  input.type = secret ? "password" : "text";
  input.value = "";
  const check = () => { yes.disabled = word !== null ? input.value !== word : secret && !input.value; };
  input.oninput = check;
  check();
  return new Promise(done => {
    const finish = answer => { dialog.onclose = null; if (dialog.open) dialog.close(); done(answer); };
    yes.onclick = async () => {
      yes.disabled = true;
      try { finish(await run(input.value)); }
      catch (error) { $("ask-error").textContent = error.message; check(); }
    };
    input.onkeydown = event => { if (event.key === "Enter" && !yes.disabled) { event.preventDefault(); yes.click(); } };
    $("ask-no").onclick = () => finish(null);
    dialog.onclose = () => finish(null);
    if (!dialog.open) dialog.showModal();
    (label ? input : $("ask-no")).focus();
  });
}

const halt = pool => confirmed({
  title: `Halt ${pool}?`, action: "Halt",
  words: "From now on the pool takes only what closes a position. Orders that are working stay where they are.",
  run: () => post("control/halt", { pool }),
});
const resume = pool => confirmed({
  title: `Resume ${pool}?`, action: "Resume", words: "The pool takes every signal again.",
  run: () => post("control/resume", { pool }),
});
const flatten = pool => confirmed({
  title: `Flatten ${pool}?`, action: "Flatten", word: pool, label: `Type ${pool} to go on`,
  words: "Every working order of the pool is cancelled, every position is closed at the market, and the pool is halted.",
  run: () => post("control/flatten", { pool, confirm: pool }),
});

function poolBlock(row, state) {
  const stopped = state.halted.includes(row.pool);
  const accounts = state.accounts.filter(a => a.pool === row.pool);
  const figure = (name, value, kind) => el("div", {}, el("span", {}, name), el("b", kind ? { class: kind } : {}, value));
  return el("div", { class: "pool", "data-pool": row.pool },
    el("div", { class: "pool-head" },
      el("b", { title: row.pool }, row.pool),
      el("span", { class: "soft" }, `${number(row.accounts)} account${row.accounts === 1 ? "" : "s"}`),
      stopped ? el("span", { class: "state HALTED" }, "HALTED") : null,
      el("div", { class: "tools" },
        el("button", { type: "button", "data-verb": stopped ? "resume" : "halt", onclick: () => (stopped ? resume : halt)(row.pool) }, stopped ? "Resume" : "Halt"),
        el("button", { type: "button", class: "warn", "data-verb": "flatten", onclick: () => flatten(row.pool) }, "Flatten"))),
    el("div", { class: "figures" },
      figure("Equity", money(row.equity)),
      figure("Realised", signed(row.realised), gain(row.realised)),
      figure("Open", signed(row.unrealised), gain(row.unrealised))),
    accounts.length > 1 || row.accounts > 1 ? table(["Account", "Size", "Realised", "Open", "Equity"], accounts.slice(0, 50).map(a => el("tr", {},
      cell(a.account), cell(`\u00d7${a.multiplier}`), cell(signed(a.realised), gain(a.realised)),
      cell(signed(a.unrealised), gain(a.unrealised)), cell(money(a.equity))))) : null,
    row.accounts > 50 ? el("p", { class: "note" }, `${number(row.accounts - Math.min(50, accounts.length))} more accounts in the sums`) : null);
}

// Buttons must not vanish under a finger, so a block is made anew only when its text changes.
const drawn = new Map();

export function showMoney(state, pool) {
  const pools = state.pools.filter(row => !pool || row.pool === pool).slice(0, 50);
  const box = $("pools");
  const wanted = pools.map(row => {
    const key = JSON.stringify([row, state.halted.includes(row.pool), state.accounts.filter(a => a.pool === row.pool)]);
    const known = drawn.get(row.pool);
    if (known?.key === key) return known.block;
    const block = poolBlock(row, state), focused = known?.block.contains(document.activeElement) && document.activeElement.dataset.verb;
    drawn.set(row.pool, { key, block });
    if (known?.block.isConnected) known.block.replaceWith(block);
    if (focused) block.querySelector(`[data-verb="${focused}"], [data-verb]`)?.focus();
    return block;
  });
  if (wanted.length !== box.children.length || wanted.some((block, i) => box.children[i] !== block)) box.replaceChildren(...wanted);
  const held = state.positions.filter(row => !pool || row.pool === pool);
  $("positions").replaceChildren(held.length
    ? table(["Account", "Instrument", "Held", "Average", "Last", "Open"], held.slice(0, 100).map(row => el("tr", {},
      cell(row.account), cell(row.instrument.symbol), cell(`${row.qty > 0 ? "+" : ""}${number(row.qty)}`, row.qty > 0 ? "BUY" : "SELL"),
      cell(number(+row.average.toFixed(row.average < 10 ? 6 : 2))), cell(number(row.price)), cell(signed(row.unrealised), gain(row.unrealised)))))
    : el("p", { class: "soft" }, "Flat everywhere."));
  const stopped = $("halted");
  stopped.hidden = !state.halted.length;
  const words = `Halted: ${state.halted.join(", ")}. Only what closes a position is taken.`;
  if (state.halted.length && stopped.textContent !== words) stopped.textContent = words;
}
