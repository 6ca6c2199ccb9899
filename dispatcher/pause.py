"""The pause of all deliveries. Events are still recorded and fanned out; nothing is claimed."""

from dispatcher.models import Pause


def pause_deliveries(*, reason: str = "") -> bool:
    """Pause; False where deliveries are paused already. One statement, joins an open transaction."""
    _, created = Pause.objects.get_or_create(id=True, defaults={"reason": reason})
    return created


def resume_deliveries() -> bool:
    """Go on; False where nothing was paused. One statement, joins an open transaction."""
    deleted, _ = Pause.objects.filter(id=True).delete()
    return bool(deleted)


def pause_now() -> Pause | None:
    """The pause, while there is one. One statement, joins an open transaction."""
    return Pause.objects.first()
