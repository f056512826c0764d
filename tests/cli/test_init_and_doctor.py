"""A settings file to begin with, and a look at everything before the first order."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.main import get_command

from sim2live import Instrument, connect
from sim2live.cli import checks, screen
from sim2live.cli.command import app
from sim2live.cli.init import TEXT
from sim2live.clock import SystemClock
from sim2live.gate.limits import Rules
from sim2live.gateway.server import running_gateway
from sim2live.options import TABLES, Settings
from sim2live.settings import load
from sim2live.testing import ChaosGateway
from sim2live.venues.evalitup import EvalItUp

#: Without an expiry, on a market that never closes: these tests run on any day.
ONE = Instrument("SIM", "ONE")


def test_init_writes_a_file_that_can_be_loaded(command: Any, tmp_path: Path) -> None:
    done = command("init", "--target", "http://127.0.0.1:8090", "--pool", "scalping-mes")
    assert done.returncode == 0, done.stderr
    found = load(tmp_path / "sim2live.toml", environment={})
    assert (found.mode, found.target) == ("paper", "http://127.0.0.1:8090")
    assert found.workflow == "scalping-mes"


def test_every_key_there_is_stands_in_the_file() -> None:
    named = set(re.findall(r"(?m)^(?:# )?([a-z_]+) = ", TEXT))
    missing = set(Settings.__struct_fields__) - set(TABLES) - named
    assert missing == set()
    assert set(Rules.__struct_fields__) - named == set()
    assert set(re.findall(r"(?m)^\[(\w+)\]", TEXT)) == set(TABLES)


def test_every_example_in_the_file_is_valid(tmp_path: Path) -> None:
    text = TEXT.format(target="paper", workflow="w")
    uncommented = re.sub(r"(?m)^# ([\w-]+ = )", r"\1", text)
    path = tmp_path / "all.toml"
    path.write_text(uncommented, "utf-8")
    assert len(tomllib.loads(uncommented)) > 20
    assert load(path, environment={}).flatten_at == "15:55 America/New_York"


def test_init_does_not_overwrite(command: Any, tmp_path: Path) -> None:
    (tmp_path / "sim2live.toml").write_text("mine")
    done = command("init")
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert (tmp_path / "sim2live.toml").read_text() == "mine"
    assert command("init", "--force").returncode == 0


@pytest.mark.parametrize("pool", ['a"b', "a\nb", "", "a\\b"])
def test_init_refuses_what_would_break_the_file(command: Any, tmp_path: Path, pool: str) -> None:
    assert command("init", "--pool", pool).returncode == 2
    assert not (tmp_path / "sim2live.toml").exists()


def test_doctor_looks_at_everything_and_says_paper(command: Any) -> None:
    with running_gateway() as gateway:
        done = command("doctor", "--target", gateway.url, "--json")
    found = {one["what"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    for name in ("python", "packages", "time zones", "clock", "port 8080", "instrument"):
        assert found[name]["ok"], found[name]
    assert {"calendar", "settings", "journal", "venue"} <= set(found)
    assert "paper: no real order is possible" in found["venue"]["found"]


def test_doctor_names_what_is_wrong(command: Any, free_port: int) -> None:
    done = command("doctor", "--target", f"http://127.0.0.1:{free_port}", "-i", "CME:MESH5")
    assert done.returncode == 1
    assert "REAL: orders move money, no answer" in done.stdout
    assert "MESH5" in done.stdout
    assert re.search(r"no +instrument", done.stdout)


def test_an_old_package_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = (("msgspec", "", "999.0", None), ("no-such-package-here", "gateway", "1", None))
    monkeypatch.setattr(checks, "_PACKAGES", wanted)
    found = {name: (good, text) for good, name, text in checks.machine()}
    good, text = found["msgspec"]
    assert not good
    assert text.endswith("is too old; run: pip install 'msgspec>=999.0'")
    assert "pip install 'sim2live[gateway]'" in found["packages"][1]


@pytest.mark.parametrize(
    ("versions", "mend"),
    [
        ({"zipline-reloaded": "3.2.1", "pandas": "3.0.1"}, "pip install 'pandas>=2.2,<3'"),
        ({"vectorbt": "1.2.0", "pandas": "2.3.3"}, "pip install 'vectorbt==1.0.0'"),
        ({"vectorbt": "1.0.0", "plotly": "7.0"}, "pip install 'plotly<7'"),
    ],
)
def test_packages_that_do_not_go_together_name_the_mend(
    versions: dict[str, str], mend: str
) -> None:
    from importlib.metadata import PackageNotFoundError

    def version(name: str) -> str:
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    (finding,) = checks._together(version)
    assert finding[0] is False
    assert mend in finding[2]


PREFLIGHT = ("doctor", "--preflight", "-w", "python-test", "--journal", "j.sqlite3")
MES = ("-i", "CME:MESZ6")


def test_preflight_shows_the_page_and_keeps_the_confirmation(command: Any) -> None:
    with ChaosGateway() as real:
        words = (*PREFLIGHT, *MES, "--target", real.url, "--strategy", "breakout")
        done = command(*words, typed="python-test\n")
        assert done.returncode == 0, done.stderr
        for part in ("REAL: orders move money", "Micro E-mini S&P 500", "0.25 = 1.25", "breakout",
                     "nothing was ever sent", "lives in this", "never before"):  # fmt: skip
            assert part in done.stdout, part
        again = command(*words, typed="python-test\n")
        other = command(*words[:-1], "another", typed="")
    assert "never before" not in again.stdout
    assert "CME:MESZ6 20" in again.stdout
    assert "never before" in other.stdout
    assert real.received == []


def test_a_simulated_venue_needs_no_confirmation(command: Any) -> None:
    with running_gateway() as gateway:
        done = command(*PREFLIGHT, *MES, "--target", gateway.url)
    assert done.returncode == 0, done.stderr
    assert "paper: no real order is possible" in done.stdout
    assert "nothing needs to be confirmed" in done.stdout
    assert "Type the pool" not in done.stdout


@pytest.mark.parametrize("typed", ["", "yes\n"])
def test_preflight_wants_the_pools_own_name(command: Any, typed: str) -> None:
    done = command(*PREFLIGHT, *MES, "--venue", "mailbox:here", typed=typed)
    assert done.returncode != 0
    assert "only the strategy's own code" in " ".join(done.stdout.split())
    assert "Confirmed: " not in done.stdout


@pytest.mark.parametrize("named", [False, True])
def test_what_the_refused_entry_says_can_be_typed_and_lifts_the_refusal(
    command: Any, named: bool
) -> None:
    at = SystemClock().now_ns()
    with ChaosGateway() as real, connect(
        real.url if named else EvalItUp(real.url), workflow="python-test", strategy="my own",
        journal=command.folder / "j.sqlite3", settings=Settings(rules=Rules(session=False)),
    ) as live:  # fmt: skip
        refused = live.follow(ONE, 1, data="one", nth=0, decided_at=at)
        assert refused.status.value == "HELD"
        program, *words = shlex.split(refused.reason.partition("; type: ")[2])
        assert program == "sim2live"
        done = command(*words, typed="python-test\n")
        assert done.returncode == 0, done.stderr
        taken = live.follow(ONE, 1, data="one", nth=1, decided_at=at)
        assert taken.status.value == "ACCEPTED"
    assert len(real.received) == 1


def test_doctor_says_what_nobody_has_confirmed(command: Any) -> None:
    with ChaosGateway() as real:
        set_up = {"SIM2LIVE_TARGET": real.url, "SIM2LIVE_WORKFLOW": "python-test",
                  "SIM2LIVE_STRATEGY": "breakout", "SIM2LIVE_JOURNAL": "j.sqlite3"}  # fmt: skip
        before = command("doctor", **set_up)
        assert (
            command("doctor", "--preflight", *MES, typed="python-test\n", **set_up).returncode == 0
        )
        after = command("doctor", "--json", **set_up)
        switched_off = command("doctor", "--json", SIM2LIVE_RULES_PREFLIGHT="false", **set_up)
    assert re.search(r"no +preflight +breakout: not confirmed", before.stdout)
    found = {one["what"]: one for one in json.loads(after.stdout)}
    assert found["preflight"]["ok"]
    assert found["preflight"]["found"].startswith("breakout: CME:MESZ6 20")
    found = {one["what"]: one for one in json.loads(switched_off.stdout)}
    assert "switched off" in found["preflight"]["found"]


def verbs(group: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each verb with its help, those of groups included."""
    for name, found in getattr(group, "commands", {}).items():
        below = f"{path} {name}".strip()
        if hasattr(found, "commands"):
            yield from verbs(found, below)
        else:
            yield below, found.help or ""


def test_every_verb_documents_examples_and_exit_codes() -> None:
    found = dict(verbs(get_command(app())))
    assert {"demo", "send", "halt", "alarm test", "export journal", "playground run"} <= set(found)
    for verb, text in found.items():
        assert f"  sim2live {verb}" in text, verb
        assert "Exit codes" in text, verb
        # Lines of the source would be broken a second time by a narrow terminal.
        assert all(len(part.splitlines()) == 1 for part in text.split("\n\n")[:2]), verb


@pytest.mark.parametrize(
    ("typed", "known", "shown"),
    [
        (".venv/bin/sim2live", False, ".venv/bin/sim2live"),
        (".venv/bin/sim2live", True, "sim2live"),
        ("/usr/lib/sim2live/cli/__main__.py", False, "sim2live"),
    ],
)
def test_a_next_step_can_be_typed_as_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str, known: bool, shown: str
) -> None:
    monkeypatch.setattr("sys.argv", [typed, "gateway"])
    monkeypatch.setenv("PATH", str(tmp_path))
    if known:
        (tmp_path / "sim2live").write_text("#!/bin/sh\n")
        (tmp_path / "sim2live").chmod(0o755)
    assert screen.own_name() == shown


ADDRESSES = '[alerts]\nphone = "json://127.0.0.1:{PORT}/"\nnobody = "json://127.0.0.1:{CLOSED}/"\n'


def test_an_alarm_is_tried_on_each_channel_by_its_name(
    command: Any, tmp_path: Path, free_port: int
) -> None:
    (tmp_path / "sim2live.toml").write_text(ADDRESSES)
    heard: list[bytes] = []

    class Phone(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Phone) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        ports = {"PORT": str(server.server_port), "CLOSED": str(free_port)}
        both = command("alarm", "test", "--json", **ports)
        one = command("alarm", "test", "phone", **ports)
        server.shutdown()
    assert json.loads(both.stdout) == {"phone": True, "nobody": False}
    assert (both.returncode, one.returncode) == (1, 0), one.stderr
    assert "nobody" not in one.stdout
    assert [b"a test" in body for body in heard] == [True, True]


@pytest.mark.parametrize(
    ("words", "says"), [((), "none is set"), (("fax",), "alerts.fax: is not set; set are: phone")]
)
def test_an_alarm_without_a_channel_says_so(
    command: Any, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    if words:
        (tmp_path / "sim2live.toml").write_text(ADDRESSES)
    done = command("alarm", "test", *words)
    assert done.returncode == 2
    assert says in done.stderr


def test_the_shell_can_complete_the_verbs(command: Any) -> None:
    asked = {"_SIM2LIVE_COMPLETE": "complete_bash", "COMP_WORDS": "sim2live ex", "COMP_CWORD": "1"}
    program = "import sys; sys.argv = ['sim2live']; from sim2live.cli import main; main()"
    done = command.python(program, **asked)
    assert done.stdout.split() == ["explain", "export"]
