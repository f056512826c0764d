"""What people ask for from outside, carried out by the process that follows the workflow.

A command line verb beside a running strategy cannot touch its memory. It leaves a command in the
journal; the process that follows the workflow carries it out within a second and answers there.
"""

from __future__ import annotations

from sim2live.clock import Clock
from sim2live.errors import ConfigError, SignalError
from sim2live.gate.gate import Gate
from sim2live.gate.mailbox import Command
from sim2live.gate.operator import Operator
from sim2live.signals import Instrument

VERBS = ("halt", "resume", "flatten", "resolve", "position")


class Control:
    """Carries out commands on a gate.

    Args:
        gate: whose journal the commands are left in.
        clock: stamps what is sent.
    """

    def __init__(self, gate: Gate, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock

    def obey(self) -> int:
        """Carry out what is asked of the workflows of this process; returns how many."""
        done = 0
        for command in self._gate.journal.mailbox.asked():
            if not self._gate.follows(command.workflow):
                continue
            self._gate.journal.mailbox.answer(command.seq, self.carry_out(command))
            done += 1
        return done

    def carry_out(self, command: Command) -> str:
        """Do it; the answer is a sentence for the human who asked, an error included."""
        operator = Operator(self._gate)
        workflow, argument = command.workflow, command.argument
        try:
            match command.verb:
                case "halt":
                    operator.halt(workflow, argument or "a human asked for it")
                    return f"{workflow} is halted: exits only until resume"
                case "resume":
                    operator.resume(workflow)
                    return f"{workflow} goes on; what opened meanwhile waits"
                case "flatten":
                    operator.flatten(workflow, self._clock.now_ns())
                    return f"{workflow} is being flattened and halted: {self._standing(workflow)}"
                case "resolve":
                    return self._resolve(argument)
                case "position":
                    return self._position(workflow, argument)
        except (ConfigError, SignalError) as error:
            return f"refused: {error}"
        return f"refused: verb={command.verb!r} must be one of {', '.join(VERBS)}"

    def _resolve(self, argument: str) -> str:
        id_, _, word = argument.rpartition(" ")
        if word not in ("accepted", "not-sent"):
            raise ConfigError(f"outcome={word!r}: must be accepted or not-sent")
        return Operator(self._gate).resolve(id_, executed=word == "accepted")

    def _position(self, workflow: str, argument: str) -> str:
        name, _, number = argument.rpartition("=")
        try:
            position = int(number)
        except ValueError:
            raise ConfigError(f"position={argument!r}: must be CME:MESZ6=+1") from None
        return Operator(self._gate).set_position(workflow, Instrument.parse(name), position)

    def _standing(self, workflow: str) -> str:
        lines = [
            f"{instrument} {book.line.presumed}"
            for (name, instrument), book in self._gate.books.items()
            if name == workflow
        ]
        return ", ".join(lines) or "nothing is held"
