"""A Playground script on a replay over HTTP, with an order every 10 bars.

    python benchmarks/playground_rows.py [--bars 5000] [--json FILE]

The gateway is a process of its own, as it is for a script. Beside the rate stands the CPU time of
both sides, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from sim2live.playground.api import Header

SERVER = """
from sim2live.gateway.server import Gateway
gateway = Gateway(port=0)
print(gateway.port, flush=True)
gateway.run()
"""
ORDER_EVERY = 10
GOALS = {"api() on a warm connection": 3_000, "the page's urllib header": 1_200}
Api = Callable[[str, dict[str, Any]], Any]


@contextmanager
def gateway() -> Iterator[tuple[str, int]]:
    """Address and process id of a gateway in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield f"http://127.0.0.1:{port}/api/topstep-sim", process.pid
        finally:
            process.terminate()


def plain(address: str, token: str) -> Api:
    """The api function of the page's header: a connection for each call."""
    head = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def api(path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{address}/{path}", data=json.dumps(body).encode(), headers=head, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    return api


def seconds_of(process: int) -> float:
    """CPU seconds of a process so far; zero where there is no /proc."""
    file = Path(f"/proc/{process}/stat")
    if not file.exists():
        return 0.0
    fields = file.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def mine() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run(api: Api, session: dict[str, Any], bars: int) -> None:
    account = {"accountId": session["accountId"]}
    order = {**account, "contractId": session["contractId"], "type": 2, "size": 1}
    for number in range(bars):
        assert api("Replay/step", account)["bar"] is not None
        if number % ORDER_EVERY == 0:
            assert api("Order/place", {**order, "side": number // ORDER_EVERY % 2})["success"]


def measure(bars: int) -> list[dict[str, object]]:
    """One line for each way to call."""
    lines: list[dict[str, object]] = []
    for name, goal in GOALS.items():
        with gateway() as (address, process):
            first = plain(address, "")
            token = first("Auth/loginKey", {"userName": "me", "apiKey": "any"})["token"]
            ask = plain(address, token)
            day = {"instrumentSymbol": "NQ", "startDate": "2025-01-15", "timeframe": "1s"}
            session = ask("Replay/start", day)
            api: Api = ask
            if name.startswith("api"):
                api = Header({"TESTMAX_API_URL": address, "TESTMAX_TOKEN": token}).api
            run(api, session, 200)
            there, here, start = seconds_of(process), mine(), perf_counter()
            run(api, session, bars)
            took = perf_counter() - start
            lines.append(
                {
                    "name": f"replay over HTTP, {name}",
                    "bars_per_second": bars / took,
                    "goal": goal,
                    "gateway_us": (seconds_of(process) - there) / bars * 1e6,
                    "script_us": (mine() - here) / bars * 1e6,
                }
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bars", type=int, default=5_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    lines = measure(options.bars)
    table = Table(title=f"Playground: an order every {ORDER_EVERY} bars")
    for heading in ("what", "bars/s", "goal", "gateway CPU, us", "script CPU, us"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for line in lines:
        rate, goal = line["bars_per_second"], line["goal"]
        cpu = (f"{line['gateway_us']:.0f}", f"{line['script_us']:.0f}")
        table.add_row(str(line["name"]), f"{rate:,.0f}", f"{goal:,}", *cpu)
    Console(width=110).print(table)
    if options.json:
        options.json.write_text(json.dumps(lines, indent=2))


if __name__ == "__main__":
    main()
