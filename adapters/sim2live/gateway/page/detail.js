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
  $("detail-body").replaceChildren(facts(row, null, []));
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
  $("detail-body").replaceChildren(facts(found.signal, found.way, found.orders), ...[more].flat());
}

// While the drawer is open, news of its signal is shown in it.
export function refreshDetail(rows) {
  const dialog = $("detail");
  if (!dialog.open) return;
  const row = rows.find(one => one.n === dialog.number);
  if (row) loadOrders(row);
}

// The steps over both hosts, each by the clock of its host; a signal that came directly has none.
function steps(row, way, orders) {
  if (!way) return null;
  const at = ns => times.short.format(ns / 1e6);
  const filled = orders.filter(order => order.role === "entry" && order.state === "FILLED").map(order => order.updated);
  return [
    way.left_at ? `left ${way.host || "the strategy's host"} ${at(way.left_at)}` : null,
    `taken by the relay on ${way.relay || "another host"} ${at(way.taken_at)}`,
    `handed to this gateway ${times.short.format(row.t)}`,
    filled.length ? `executed ${at(Math.min(...filled))}` : null,
  ].filter(Boolean).join(" \u2192 ");
}

function facts(row, way, orders) {
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
    ["Way", steps(row, way, orders)],
    ["Latency", micros(row.us) || null],
  ];
  return el("dl", { class: "facts" }, list.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
