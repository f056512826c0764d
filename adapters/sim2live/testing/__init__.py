"""What users need to try their own code against faults.

`ChaosGateway` is a signal API on loopback that fails as told and keeps the account that a real
venue would hold. `VenueContract` is a set of tests that every venue has to pass; a venue's author
inherits from it.
"""

from __future__ import annotations

from sim2live.testing.account import Account, Execution
from sim2live.testing.chaos import ChaosGateway
from sim2live.testing.contract import VenueContract
from sim2live.testing.faults import FAULTS, Fault

__all__ = ["FAULTS", "Account", "ChaosGateway", "Execution", "Fault", "VenueContract"]
