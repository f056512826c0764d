"""What people ask for from outside, carried out by the process that follows the workflow.

A command line verb beside a running strategy cannot touch its memory. It leaves a command in the
journal; the process that follows the workflow carries it out within a second and answers there.
"""

from __future__ import annotations

from sim2live.clock import Clock
from sim2live.errors import ConfigError, SignalError
from sim2live.gate.gate import Gate
from sim2live.gate.mailbox import Command
from sim2live.gate.operator import Operator, parse_positions

VERBS = ("halt", "stop", "resume", "flatten", "resolve", "position", "acknowledge")


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
            if not self._gate.shelf.follows(command.workflow):
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
                case "stop":
                    operator.stop(workflow, argument or "a human asked for it")
                    return f"{workflow} is stopped: exits wait too, until resume"
                case "acknowledge":
                    quiet = self._gate.alarms.acknowledge(argument or workflow)
                    return f"{quiet} alarms are quiet now"
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
        known = [book.key[1] for book in self._gate.books_of(workflow)]
        operator = Operator(self._gate)
        return "; ".join(
            operator.set_position(workflow, instrument, position)
            for instrument, position in parse_positions(argument, known)
        )

    def _standing(self, workflow: str) -> str:
        lines = [
            f"{instrument} {book.line.presumed}"
            for (name, instrument), book in self._gate.books.items()
            if name == workflow
        ]
        return ", ".join(lines) or "nothing is held"
