"""A probe asks a human; only answers set the profile."""

from __future__ import annotations

import pytest

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.errors import ConfigError
from sim2live.exchange.execution import Behaviour
from sim2live.gate.journal import open_journal
from sim2live.gate.probe import Probe, keep, stored
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.base import Profile
from sim2live.venues.paper import Paper
from sim2live.venues.record import Record

MES = Instrument("CME", "MESZ6")


class Human:
    """Looks at the account of a paper venue, and may be unable to tell."""

    def __init__(self, venue: Paper, *, tells: bool = True) -> None:
        self.venue = venue
        self.tells = tells
        self.asked: list[str] = []

    def __call__(self, question: str) -> int | None:
        self.asked.append(question)
        if "price" in question:
            return 5_000
        if "working" in question:
            if not self.tells:
                return None
            return len([o for o in self.venue.exchange.orders("pool") if o.state == "WORKING"])
        return (self.venue.positions("pool") or {}).get(MES, 0)


def probed(behaviour: Behaviour, **changes) -> tuple[Profile, Human]:
    venue = Paper(behaviour=behaviour)
    venue.on_bar(MES, Bar(10**18, 5_000.0, 5_000.0, 5_000.0, 5_000.0))
    venue.profile = Profile()
    human = Human(venue, **changes)
    return Probe(venue, "pool", MES, human, run="probe", now=10**18).profile(), human


@pytest.mark.parametrize("dedupe", [True, False])
@pytest.mark.parametrize("reduce_only", [True, False])
@pytest.mark.parametrize("cancels", [True, False])
def test_every_kind_of_venue_is_found_out(dedupe: bool, reduce_only: bool, cancels: bool) -> None:
    behaviour = Behaviour(
        dedupe=dedupe, close_is_reduce_only=reduce_only, close_cancels_legs=cancels
    )
    profile, human = probed(behaviour)
    word = {True: "yes", False: "no"}
    assert profile.dedupe == word[dedupe]
    assert profile.close_is_reduce_only == word[reduce_only]
    assert profile.close_cancels_legs == word[cancels]
    assert human.venue.positions("pool") in ({}, {MES: 0}), "the pool is as flat as before"


def test_what_a_human_cannot_tell_stays_unknown() -> None:
    profile, _ = probed(Behaviour(), tells=False)
    assert profile.close_cancels_legs == "unknown"


def test_a_pool_that_is_not_flat_is_not_probed() -> None:
    venue = Record()
    with pytest.raises(ConfigError, match="must be flat"):
        Probe(venue, "pool", MES, lambda _: 1, run="probe", now=1).profile()
    with pytest.raises(ConfigError, match="must be flat"):
        Probe(venue, "pool", MES, lambda _: None, run="probe", now=1).profile()
    assert venue.signals == []


def test_a_profile_is_kept_for_the_venue_and_loaded_at_the_next_start(tmp_path) -> None:
    path = tmp_path / "journal.sqlite3"
    venue = Record()
    journal = open_journal(str(path), venue.fingerprint, ManualClock())
    assert stored(journal.facts) is None
    keep(journal.facts, Profile(dedupe="yes", close_cancels_legs="no"))
    journal.close()
    with settings.connect(venue, journal=path, clock=ManualClock()) as dispatcher:
        assert dispatcher.venue.profile == Profile(dedupe="yes", close_cancels_legs="no")
    with settings.connect(Record(), journal=path, clock=ManualClock()) as dispatcher:
        assert dispatcher.venue.profile == Profile()
