"""Has a human read the preflight page of a strategy? Until then it opens nothing with money.

`sim2live doctor --preflight` shows the page and keeps the answer in the journal, one for each
strategy in a pool at a venue. The rule reads it when the strategy starts. An answer that is given
later counts from the next entry on: only an entry that is refused looks again.
"""

from __future__ import annotations

import shlex

from sim2live.errors import JournalError
from sim2live.gate.facts import Facts
from sim2live.gate.rules import Entry, Rule
from sim2live.venues.base import Venue

_FACT = "preflight:"


def confirmed(facts: Facts, workflow: str, strategy: str) -> str | None:
    """What was confirmed, and when, in words; None where nobody has confirmed anything."""
    return facts.get(workflow, _FACT + strategy)


def confirm(facts: Facts, workflow: str, strategy: str, what: str) -> None:
    """Keep that a human has agreed to live orders of a strategy; durable."""
    facts.put(workflow, _FACT + strategy, what)


class Preflight(Rule):
    """No entry of a strategy goes out before a human has confirmed it.

    Args:
        facts: where the answers are kept.
        journal: path of their file; nothing can be confirmed in a journal in memory.
        target: what `sim2live.connect` was told.
        fingerprint: of the venue, which names one that only code can make.
    """

    name = "preflight"

    def __init__(
        self, facts: Facts, journal: str, *, target: str | Venue | None, fingerprint: str
    ) -> None:
        self._facts = facts
        self._journal = journal
        self._where = ["--venue", fingerprint]
        if isinstance(target, str):
            self._where = ["--target", target]
        self._confirmed: set[tuple[str, str]] = set()

    def enters(self, workflow: str, strategy: str) -> str:
        """Read the journal once, before the first bar."""
        return "" if self._asked(workflow, strategy) else self._sentence(workflow, strategy, "...")

    def refuses(self, entry: Entry) -> str:
        """Ask the journal again only as long as nobody has confirmed."""
        workflow, strategy = entry.workflow, entry.strategy
        if (workflow, strategy) in self._confirmed:
            return ""
        try:
            found = self._asked(workflow, strategy)
        except JournalError as error:
            return f"preflight: the journal does not tell whether anybody confirmed: {error}"
        if found:
            return ""
        return self._sentence(workflow, strategy, shlex.quote(str(entry.instrument)))

    def _asked(self, workflow: str, strategy: str) -> bool:
        if confirmed(self._facts, workflow, strategy) is None:
            return False
        self._confirmed.add((workflow, strategy))
        return True

    def _sentence(self, workflow: str, strategy: str, instrument: str) -> str:
        nobody = f"preflight: nobody has confirmed live orders of {strategy!r} to {workflow!r} yet"
        if self._journal == ":memory:":
            return f"{nobody}, and a journal in memory cannot keep it: name a file for the journal"
        told = [*self._where, "--journal", self._journal, "--pool", workflow]
        words = ["sim2live", "doctor", "--preflight", *told, "--strategy", strategy]
        return f"{nobody}; type: {shlex.join(words)} --instrument {instrument}"
