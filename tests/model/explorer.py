"""Breadth first through every state that a protocol can reach, then backwards from the ends."""

from collections import deque
from dataclasses import dataclass

from tests.model.invariants import Broken, check_state, check_step, is_over
from tests.model.protocol import Protocol, Step
from tests.model.tables import Process, State


class TooManyStates(Exception):
    """An exploration was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """How far an exploration came, and what it found, if anything."""

    states: int
    steps: int
    broken: Broken | None = None
    way: tuple[str, ...] = ()  # the shortest one to what is broken


def explore(protocol: Protocol, *, limit: int = 2_000_000) -> Explored:
    """Every reachable state, or the first in which something is broken.

    Raises:
        TooManyStates: more than `limit`; they need not be finite.
    """
    setup = protocol.setup
    start = canonical(protocol.beginning())
    numbers = {start: 0}
    came_from: list[tuple[int, str]] = [(-1, "")]
    fair: list[list[int]] = [[]]  # by state, those that lead here without a fault
    over: list[int] = []
    queue = deque([start])
    steps = 0
    while queue:
        if len(numbers) > limit:
            raise TooManyStates(limit)
        state = queue.popleft()
        number = numbers[state]
        if is_over(setup, state):
            over.append(number)
        for step, reached in protocol.steps(state):
            steps += 1
            after = canonical(reached)
            known = numbers.get(after)
            try:
                check_step(step)
                if known is None:
                    check_state(setup, after)
            except Broken as broken:
                way = (*_way(came_from, number), _said(step))
                return Explored(states=len(numbers), steps=steps, broken=broken, way=way)
            if known is None:
                known = numbers[after] = len(came_from)
                came_from.append((number, _said(step)))
                fair.append([])
                queue.append(after)
            if not step.fault and not step.begins:
                fair[known].append(number)
    stuck = _stuck(fair, over)
    if stuck is None:
        return Explored(states=len(numbers), steps=steps)
    no_end = Broken("I10", f"no way leads from here to an end: {list(numbers)[stuck]}")
    return Explored(states=len(numbers), steps=steps, broken=no_end, way=_way(came_from, stuck))


def canonical(state: State) -> State:
    """Processes of one role are interchangeable; the API's have scripts, so they keep their places."""
    return state._replace(processes=tuple(sorted(state.processes, key=_place)))


def _place(process: Process) -> tuple[object, ...]:
    return process.role, process.script, process.claims, process.txn or (), process.front


def _stuck(fair: list[list[int]], over: list[int]) -> int | None:
    """The first state from which no end is reached."""
    ends, queue = set(over), deque(over)
    while queue:
        for before in fair[queue.popleft()]:
            if before not in ends:
                ends.add(before)
                queue.append(before)
    return next((number for number in range(len(fair)) if number not in ends), None)


def _way(came_from: list[tuple[int, str]], number: int) -> tuple[str, ...]:
    way: list[str] = []
    while number > 0:
        number, said = came_from[number]
        way.append(said)
    return tuple(reversed(way))


def _said(step: Step) -> str:
    who = f"{step.process}: " if step.process >= 0 else ""
    return f"{who}{step.name} {step.what}{f' [{step.fault}]' if step.fault else ''}".replace(
        "  ", " "
    ).strip()
