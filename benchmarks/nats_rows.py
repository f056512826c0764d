"""What does a second host cost? A signal over NATS and a relay, beside the same one sent directly.

    python benchmarks/nats_rows.py [--signals 300] [--json FILE]

Server, relay and venue are processes of their own on this machine, so the network itself is not in
the figures. "Wire" is from the strategy's call until the venue has read the signal; "answer" until
the strategy knows the outcome. Both ways are measured in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic_ns, perf_counter, sleep

from rich.console import Console
from rich.table import Table

from sim2live.signals import Instrument, Signal
from sim2live.venues.base import Venue
from sim2live.venues.evalitup import EvalItUp
from sim2live.venues.outcome import Kind

WORKFLOWS = 16
EACH = 40
PROGRAM = shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Venuelike(socketserver.StreamRequestHandler):
    """Answers a signal as fast as it can, and says when it had read it."""

    def handle(self) -> None:
        self.connection.setsockopt(6, 1, 1)
        while line := self.rfile.readline():
            length = 0
            while (head := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = head.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = self.rfile.read(length)
            came = monotonic_ns()
            if line.startswith(b"GET"):
                said = b'{"status":"ok"}'
            else:
                id_ = json.loads(body)["signal_id"]
                with Path(self.server.times).open("a") as file:  # type: ignore[attr-defined]
                    file.write(f"{id_} {came}\n")
                said = json.dumps({"status": "accepted", "signal_id": id_}).encode()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))


class Many(socketserver.ThreadingTCPServer):
    request_queue_size = 128
    daemon_threads = True


def serve(times: str) -> None:
    server = Many(("127.0.0.1", 0), Venuelike)
    server.times = times  # type: ignore[attr-defined]
    print(server.server_address[1], flush=True)
    server.serve_forever()


@contextmanager
def both(folder: Path) -> Iterator[tuple[Venue, Venue]]:
    """The venue reached directly, and over NATS and a relay."""
    from sim2live.venues.nats import Nats

    (folder / "times").touch()
    (folder / "server.conf").write_text(
        f'host: 127.0.0.1\nport: -1\njetstream {{ store_dir: "{folder}/store" }}\n'
        f'ports_file_dir: "{folder}"\n'
    )
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "SIM2LIVE_HOME": str(folder)}
        quiet = subprocess.DEVNULL
        started.append(
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=quiet, text=True
            )
        )
        return started[-1]

    try:
        venue = start(sys.executable, __file__, "--serve", str(folder / "times"))
        assert venue.stdout is not None
        url = f"http://127.0.0.1:{int(venue.stdout.readline())}"
        start(str(PROGRAM), "-c", str(folder / "server.conf"), "-l", str(folder / "log"))
        while not (found := list(folder.glob("*.ports"))):
            sleep(0.02)
        address = json.loads(found[0].read_text())["nats"][0]
        start(sys.executable, "-m", "sim2live.cli", "relay", "--from", address, "--to", url)
        direct, far = EvalItUp(url), Nats(address)
        while not far.probe(timeout=1.0):
            sleep(0.05)
        yield direct, far
        direct.close()
        far.close()
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.communicate(timeout=20)


def signal(name: str, workflow: str = "python-test") -> Signal:
    return Signal(
        signal_id=name, workflow_id=workflow, instrument=Instrument("CME", "MESZ6"),
        side="BUY", qty=1, open_close="OPEN",
    )  # fmt: skip


def send(venue: Venue, one: Signal) -> None:
    outcome = venue.send(one, timeout=10.0)
    assert outcome.kind is Kind.ACCEPTED, outcome


def in_turns(ways: dict[str, Venue], count: int, times: Path) -> dict[str, dict[str, float]]:
    began: dict[str, int] = {}
    answered: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(count):
        for way, venue in ways.items():
            one = signal(f"{way}-{number}")
            began[one.signal_id] = monotonic_ns()
            send(venue, one)
            answered[way].append((monotonic_ns() - began[one.signal_id]) / 1e6)
    came = dict(line.rsplit(" ", 1) for line in times.read_text().splitlines())
    wire = {
        way: [(int(came[f"{way}-{n}"]) - began[f"{way}-{n}"]) / 1e6 for n in range(count)]
        for way in ways
    }
    return {
        way: {
            "wire p50 ms": part(wire[way], 0.5),
            "wire p99 ms": part(wire[way], 0.99),
            "answer p50 ms": part(answered[way], 0.5),
            "answer p99 ms": part(answered[way], 0.99),
        }
        for way in ways
    }


def at_once(venue: Venue, way: str) -> float:
    """Signals per second from as many threads as there are workflows."""

    def lane(workflow: int) -> None:
        for number in range(EACH):
            send(venue, signal(f"{way}-{workflow}-{number}", f"pool-{workflow}"))

    threads = [threading.Thread(target=lane, args=(number,)) for number in range(WORKFLOWS)]
    started = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return WORKFLOWS * EACH / (perf_counter() - started)


def part(values: list[float], portion: float) -> float:
    return sorted(values)[min(len(values) - 1, int(portion * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=300)
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--serve", default=None)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.serve)
    console = Console()
    if PROGRAM is None:
        console.print("Not measured: nats-server is missing (on Debian: apt-get install it)")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with both(folder) as (direct, far):
            ways = {"direct": direct, "nats": far}
            in_turns(ways, 20, folder / "times")  # connections, caches
            (folder / "times").write_text("")
            ways = {"HTTP, directly": direct, "NATS and relay": far}
            found = in_turns(ways, arguments.signals, folder / "times")
            for way, venue in ways.items():
                found[way][f"signals/s, {WORKFLOWS} workflows"] = at_once(venue, way)
    table = Table(title="A venue on this host, and the same behind NATS and a relay")
    table.add_column("")
    for way in found:
        table.add_column(way, justify="right")
    for row in next(iter(found.values())):
        table.add_row(row, *(f"{found[way][row]:,.2f}" for way in found))
    console.print(table)
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
