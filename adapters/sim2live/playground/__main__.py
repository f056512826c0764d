"""Run the strategy logic of a script: `python -m sim2live.playground SCRIPT`.

The names of the header are put into the script's globals first; afterwards the contract is
flattened, the session ended and the result printed, whatever the script did.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from sim2live.errors import Sim2LiveError
from sim2live.playground.api import Header


def main(path: str) -> int:
    """Run one script; its globals are those of a main program.

    Args:
        path: The script.

    Returns:
        0, or 1 when the script failed.
    """
    text = Path(path).read_bytes()
    names = {"__name__": "__main__", "__file__": path, "__builtins__": __builtins__}
    header = Header(os.environ, names)
    signal.signal(signal.SIGTERM, _stop)
    try:
        exec(compile(text, path, "exec"), header.names)  # noqa: S102 - that is the purpose
    except Sim2LiveError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the clean-up follows
        # The first frame is this one; nobody has to read it.
        above = error.__traceback__
        traceback.print_exception(error.with_traceback(above.tb_next if above else None))
        return 1
    finally:
        _clean_up(header)
    return 0


def _clean_up(header: Header) -> None:
    """The fifth section: flat, ended, told."""
    names = header.names
    account, contract = names["ACCOUNT_ID"], names["CONTRACT_ID"]
    header.close_all_positions(account, contract)
    result = header.api("Replay/end", {"accountId": account})
    if result.get("success"):
        told = {
            "finalBalance": result["finalBalance"],
            "netPnl": result["totalPnl"],
            "totalTrades": result["totalTrades"],
            "winRate": result["winRate"],
        }
        print(f"[INFO] Final balance: ${told['finalBalance']:,.2f}", flush=True)
        print(f"RESULT {json.dumps(told)}", flush=True)
    header.close()


def _stop(_: int, __: FrameType | None) -> None:
    # An exception lets the script's own finally blocks and our clean-up run.
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except Sim2LiveError as error:
        print(f"[ERROR] {error}", file=sys.stderr, flush=True)
        sys.exit(2)
