"""Words and shapes for states: a shape, a word and a colour each, so that none has to be seen alone."""

import re
from dataclasses import dataclass

from dispatcher.waiting import Holder


@dataclass(frozen=True, slots=True)
class Badge:
    """How a state is shown."""

    tone: str  # ok, warn, bad, idle, busy: a class of style.css
    shape: str  # one character, hidden from screen readers
    word: str


_BADGES = {
    # deliveries
    "pending": Badge("idle", "○", "waiting"),
    "sending": Badge("busy", "◐", "sending"),
    "succeeded": Badge("ok", "✓", "succeeded"),
    "dead_lettered": Badge("bad", "✕", "dead-lettered"),
    "cancelled": Badge("idle", "⊘", "cancelled"),
    "skipped": Badge("idle", "↷", "skipped"),
    # what became of an event at an endpoint
    "delivered": Badge("ok", "✓", "delivered"),
    "waiting": Badge("idle", "○", "waiting"),
    "not_subscribed": Badge("idle", "–", "not subscribed"),
    "too_late": Badge("idle", "–", "made later"),
    "no_record": Badge("idle", "–", "no record"),
    # attempts
    "failed": Badge("bad", "✕", "failed"),
    "passed": Badge("ok", "✓", "passed"),
    "unknown": Badge("warn", "?", "unknown"),
    # endpoints and circuits
    "enabled": Badge("ok", "✓", "enabled"),
    "disabled": Badge("bad", "⊘", "disabled"),
    "deleted": Badge("idle", "⊘", "deleted"),
    "closed": Badge("ok", "✓", "closed"),
    "open": Badge("bad", "✕", "open"),
    "half_open": Badge("warn", "◐", "half-open"),
    # people
    "allowed": Badge("ok", "✓", "yes"),
    "kept_out": Badge("bad", "⊘", "kept out"),
    # dispatchers
    "alive": Badge("ok", "✓", "alive"),
    "stopping": Badge("busy", "◐", "stopping"),
    "late": Badge("warn", "!", "late"),
    "gone": Badge("bad", "✕", "gone"),
    "stopped": Badge("idle", "■", "stopped"),
    # replays
    "running": Badge("busy", "◐", "running"),
    "paused": Badge("warn", "❚❚", "paused"),
    "finished": Badge("ok", "✓", "finished"),
    # payments
    "created": Badge("idle", "○", "created"),
    "processing": Badge("busy", "◐", "processing"),
    "canceled": Badge("idle", "⊘", "canceled"),
    "requires_payment_method": Badge("idle", "○", "requires payment method"),
    "requires_confirmation": Badge("idle", "○", "requires confirmation"),
    "requires_action": Badge("warn", "!", "requires action"),
    "requires_capture": Badge("warn", "!", "requires capture"),
    "refunded": Badge("idle", "↶", "refunded"),
}


def plain(text: str) -> str:
    """What somebody wrote into an address, to be said back to them: a hundred characters, each of them harmless."""
    return re.sub(r"[^ -~]", "?", text)[:100]


def badge_of(state: str) -> Badge:
    """A state that has no badge of its own is shown by its name."""
    return _BADGES.get(state) or Badge("idle", "•", state.replace("_", " "))


# What keeps a delivery, behind the moment until which it does; short, for cells.
HOLDERS = {
    Holder.PAUSE: "deliveries are paused",
    Holder.CIRCUIT: "circuit open until then",
    Holder.WISH: "asked to wait until then",
    Holder.ROOM: "the endpoint is busy",
    Holder.PROBE: "another is tried first",
}
