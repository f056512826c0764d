"""What the gate relies on at any venue, as tests to inherit.

A venue's author writes::

    import pytest
    from sim2live.testing import VenueContract

    class TestMyVenue(VenueContract):
        @pytest.fixture
        def venue(self):
            made = MyVenue(...)
            yield made
            made.close()
"""

from __future__ import annotations

import threading

from sim2live.market.bars import Bar
from sim2live.signals import BUY, CLOSE, OPEN, SELL, Instrument, Signal
from sim2live.venues.base import Profile, Venue
from sim2live.venues.outcome import Kind, Outcome


class VenueContract:
    """Inherit from it in a class whose name starts with ``Test``, and add a fixture ``venue``.

    Attributes:
        workflow: a pool that exists at the venue.
        unknown_workflow: one that does not, or None where every pool exists.
        instrument: something that may be traded there in tests.
        timeout: seconds that an exchange may take there.
    """

    workflow = "python-test"
    unknown_workflow: str | None = None
    instrument = Instrument("CME", "MESZ6")
    timeout = 2.0

    def signal(self, name: str, *, closing: bool = False, workflow: str | None = None) -> Signal:
        """A market order for one contract: a purchase, or the sale that closes it."""
        return Signal(
            signal_id=name,
            workflow_id=self.workflow if workflow is None else workflow,
            instrument=self.instrument,
            side=SELL if closing else BUY,
            qty=1,
            open_close=CLOSE if closing else OPEN,
        )

    def test_it_says_who_it_is(self, venue: Venue) -> None:
        """Rows of the journal are kept by the fingerprint; it must not change on the way."""
        assert isinstance(venue.fingerprint, str)
        assert venue.fingerprint
        first = venue.fingerprint
        venue.send(self.signal("who"), timeout=self.timeout)
        assert venue.fingerprint == first
        assert isinstance(venue.profile, Profile)

    def test_a_signal_and_its_exit_are_accepted(self, venue: Venue) -> None:
        """The plain way: an entry and the order that closes it."""
        for signal in (self.signal("entry"), self.signal("exit", closing=True)):
            outcome = venue.send(signal, timeout=self.timeout)
            assert isinstance(outcome, Outcome)
            assert outcome.kind is Kind.ACCEPTED, outcome

    def test_an_unknown_workflow_is_an_outcome_and_no_exception(self, venue: Venue) -> None:
        """Refusals are values."""
        if self.unknown_workflow is None:
            return
        signal = self.signal("lost", workflow=self.unknown_workflow)
        outcome = venue.send(signal, timeout=self.timeout)
        assert outcome.kind is Kind.REJECTED
        assert outcome.reason

    def test_a_workflow_of_any_name_is_an_outcome(self, venue: Venue) -> None:
        """Names are data: none of them may break the venue or reach another pool."""
        for name in ("caf\u00e9", "a/../b", "?x=1", "#", "%2e%2e", "\U0001f600", " spaced out "):
            try:
                signal = self.signal("named", workflow=name)
            except ValueError:
                continue  # the word itself refuses such a name, so no venue ever sees it
            assert isinstance(venue.send(signal, timeout=self.timeout), Outcome)

    def test_without_time_it_answers_all_the_same(self, venue: Venue) -> None:
        """A deadline that has passed is an outcome; it is never an exception."""
        assert isinstance(venue.send(self.signal("hurried"), timeout=0.0), Outcome)

    def test_the_same_signal_again_is_an_outcome(self, venue: Venue) -> None:
        """Where the profile says that ids are remembered, the first answer comes again."""
        first = venue.send(self.signal("again"), timeout=self.timeout)
        second = venue.send(self.signal("again"), timeout=self.timeout)
        assert isinstance(second, Outcome)
        if venue.profile.dedupe == "yes":
            assert second.kind is first.kind

    def test_threads_may_send_at_once(self, venue: Venue) -> None:
        """Each call has its own outcome."""
        outcomes: list[object] = []

        def send(number: int) -> None:
            for turn in range(5):
                name = f"thread-{number}-{turn}"
                try:
                    outcomes.append(venue.send(self.signal(name), timeout=self.timeout))
                except Exception as error:  # noqa: BLE001 - what must not happen is shown below
                    outcomes.append(error)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60.0)
        assert len(outcomes) == 20
        assert all(isinstance(o, Outcome) and o.kind is Kind.ACCEPTED for o in outcomes), outcomes

    def test_what_it_cannot_tell_is_none(self, venue: Venue) -> None:
        """Positions and look-ups are facts or None; "flat" is an empty dict, said on purpose."""
        sent = self.signal("told")
        venue.send(sent, timeout=self.timeout)
        positions = venue.positions(self.workflow)
        assert positions is None or all(isinstance(held, int) for held in positions.values())
        found = venue.lookup(sent)
        assert found is None or isinstance(found, Outcome)
        if found is not None:
            assert found.kind is not Kind.UNKNOWN

    def test_reports_come_once_and_have_ids(self, venue: Venue) -> None:
        """A report that was told is not told again."""
        venue.on_bar(self.instrument, Bar(1_000_000_000, 100.0, 100.0, 100.0, 100.0))
        venue.send(self.signal("reported"), timeout=self.timeout)
        reports = venue.reports()
        assert len({report.id for report in reports}) == len(reports)
        assert not {report.id for report in venue.reports()} & {report.id for report in reports}
        if not venue.can_report:
            assert reports == []

    def test_a_probe_sends_nothing(self, venue: Venue) -> None:
        """Asking whether somebody is there is no order."""
        before = venue.positions(self.workflow)
        assert venue.probe(timeout=self.timeout) is True
        assert venue.positions(self.workflow) == before

    def test_closed_twice_it_still_answers(self, venue: Venue) -> None:
        """The gate may close a venue while a call is on its way."""
        venue.close()
        venue.close()
        assert isinstance(venue.send(self.signal("after"), timeout=self.timeout), Outcome)
