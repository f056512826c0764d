// Tells one signal's story: what it said, what became of it, and the orders of each account.

import { $, el, micros, number, times } from "./dom.js";
import { table } from "./money.js";
import { ask } from "./stream.js";

const ROLES = { entry: "entry", stop_loss: "stop loss", take_profit: "take profit", child: "child" };
export const state = word => el("span", { class: `state ${word}` }, word);

export function kind(row) {
  if (!row.type) return "";
  const at = [row.trigger, row.limit].filter(v => v !== null && v !== undefined).map(number).join(" / ");
  const words = row.action && row.action !== "NEW" ? row.action : row.type.replace("_", " ");
  return at ? `${words} ${at}` : words;
}

export async function showDetail(row) {
  const dialog = $("detail");
  $("detail-title").textContent = row.id || "Not a valid signal";
  $("detail-body").replaceChildren(facts(row));
  if (!dialog.open) dialog.showModal();
  dialog.number = row.n;
  await loadOrders(row);
}

async function loadOrders(row) {
  let found;
  try { found = await ask(`activity/signal?number=${row.n}`); }
  catch (error) { found = { signal: row, orders: [], error: error.message }; }
  if ($("detail").number !== row.n || !$("detail").open) return;
  const orders = found.orders.map(order => el("tr", { "data-order": order.order_id },
    el("td", {}, order.account), el("td", {}, ROLES[order.role]),
    el("td", { class: order.side }, `${order.side} ${number(order.qty)}`),
    el("td", {}, [order.order_type.replace("_", " "), number(order.trigger_price), number(order.limit_price)].filter(Boolean).join(" ")),
    el("td", {}, state(order.state)), el("td", {}, number(order.price)),
    el("td", { class: "wrap" }, order.reason)));
  const more = found.error ? el("p", { class: "note" }, found.error)
    : orders.length ? [el("h3", {}, `Orders (${orders.length})`), table(["Account", "For", "Side", "Type", "State", "Filled at", "Why"], orders.slice(0, 500))]
    : el("p", { class: "note" }, row.state === "REFUSED" ? "It was refused at the door: no account saw it." : "It made no order.");
  $("detail-body").replaceChildren(facts(found.signal), ...[more].flat());
}

// While the drawer is open, news of its signal is shown in it.
export function refreshDetail(rows) {
  const dialog = $("detail");
  if (!dialog.open) return;
  const row = rows.find(one => one.n === dialog.number);
  if (row) loadOrders(row);
}

function facts(row) {
  const list = [
    ["Outcome", state(row.state)],
    ["Reason", row.reason || null],
    ["Answer", row.status === 200 ? "200 accepted" : `${row.status} refused`],
    ["Time", `${times.full.format(row.t)} (${new Date(row.t).toISOString()})`],
    ["Pool", row.pool || null],
    ["Instrument", row.inst],
    ["Order", row.side ? `${row.side} ${number(row.qty)} ${kind(row)}` : null],
    ["Effect", row.oc],
    ["Take profit", number(row.target) || null],
    ["Stop loss", number(row.stop) || null],
    ["Latency", micros(row.us) || null],
  ];
  return el("dl", { class: "facts" }, list.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
