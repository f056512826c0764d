"""What the pages say of the code is made from the code, or compared with it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import DOCS, ROOT, load

from sim2live.gate.limits import Rules
from sim2live.options import Settings
from sim2live.settings import load as load_settings


def test_the_configuration_page_has_a_row_for_each_key() -> None:
    page = load(DOCS / "hooks.py").on_page_markdown((DOCS / "configuration.md").read_text("utf-8"))
    assert "{{" not in page
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert set(rows) >= {*Settings.__struct_fields__, *Rules.__struct_fields__}
    assert "| `start` | `wait`, `adopt`, `send_difference`, `refuse` | `wait` |" in page
    assert re.search(r"\| `max_position` \| .* \| `20` \|", page)


def test_the_page_of_commands_has_a_row_for_each_verb() -> None:
    page = load(DOCS / "hooks.py").on_page_markdown((DOCS / "commands.md").read_text("utf-8"))
    assert "{{" not in page
    rows = dict(re.findall(r"^\| `sim2live ([a-z ]+)` \| (.+) \|$", page, re.MULTILINE))
    for verb in ("demo", "gateway", "doctor", "alarm test", "export journal", "playground run"):
        assert rows[verb].endswith("."), verb
    assert len(rows) > 20


def test_init_names_every_key_and_writes_what_can_be_read(tmp_path: Path) -> None:
    from sim2live.cli.init import TEXT

    text = TEXT.format(target="paper", workflow="python-test")
    keys = set(re.findall(r"^(?:# )?(\w+) = |^\[(\w+)\]", text, re.MULTILINE))
    named = {name for pair in keys for name in pair if name}
    assert named >= {*Settings.__struct_fields__, *Rules.__struct_fields__}
    file = tmp_path / "sim2live.toml"
    file.write_text(text, "utf-8")
    assert load_settings(file, environment={}).rules.max_position == 5


def test_the_picture_of_the_architecture_is_the_table_of_the_layers() -> None:
    drawn = load(DOCS / "make_architecture.py")
    held = load(ROOT / "tests" / "house" / "test_layers.py")
    assert [rooms for _, rooms in drawn.FLOORS] == held.FLOORS
    assert (DOCS / "pictures" / "architecture.svg").read_text("utf-8") == drawn.draw()


def test_the_page_of_costs_is_made_from_what_was_measured() -> None:
    cost = load(DOCS / "make_cost.py")
    page = load(DOCS / "hooks.py").on_page_markdown((DOCS / "cost.md").read_text("utf-8"))
    assert "{{" not in page
    assert (DOCS / "pictures" / "order-cost.svg").read_text("utf-8") == cost.draw(cost.read())
    even = {"network": 10.0, "transport": 10.0, "gate": 20.0, "disk": 40.0, "requests": 80.0}
    told = cost.sentences(even)
    assert "memory takes 0.50 times" in told
    assert "on disk it takes 1.00 times that time; 50% of it is the wait" in told
    assert "25% is the network" in told


def test_the_table_of_venues_says_what_the_classes_say() -> None:
    from sim2live.venues.evalitup import EvalItUp
    from sim2live.venues.paper import Paper
    from sim2live.venues.projectx import ProjectX

    rows = dict(
        re.findall(r"^\| ([^|]+) \| (.+) \|$", (DOCS / "features.md").read_text("utf-8"), re.M)
    )
    for row, name in (
        ("Tells fills and positions", "can_report"),
        ("Orders that rest, cancels", "can_cancel"),
    ):
        evalitup, _, paper, projectx = rows[row].split(" | ")
        for cell, venue in ((evalitup, EvalItUp), (paper, Paper), (projectx, ProjectX)):
            assert cell.startswith("yes" if getattr(venue, name) else "no"), (row, venue)


def test_messages_of_the_troubleshooting_page_stand_in_the_code() -> None:
    page = (DOCS / "troubleshooting.md").read_text("utf-8")
    code = "\n".join(
        re.sub(r"\"\s*\n\s*f?\"", "", path.read_text("utf-8"))
        for path in (ROOT / "adapters" / "sim2live").rglob("*.py")
    )
    for words in (
        "must be a whole number from 1 to", "workflow is missing: name the pool at",
        "is a secret and does not belong in a file", "is no whole number of contracts",
        "another process (pid", "this file system has no write-ahead log",
        "written by a newer version", "s in the future", "is not installed; run: pip install",
        "is in use", "listening beyond this machine needs a token", "Workflow not found: ",
        "Missing required field: ", "must be application/json", "is not a name of this gateway",
        "preflight: ", "max_quantity: ", "max_position: ", "max_total: ",
        "max_signals_per_minute: ", "session: ", "windows: ", "last_trade_days: ", "contract: ",
        "halted: ",
        "exits only while ", "Not sent to ", "Unknown outcome at ",
        "does not prove what became of the signal",
        "no relay has been at work", "remembers what was sent from here",
    ):  # fmt: skip
        assert words.strip() in page, f"not on the page: {words}"
        assert words in code, f"no message of the code: {words}"
