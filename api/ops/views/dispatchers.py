"""The processes that send, what they hold, and the pause of all of them."""

from collections import Counter

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from api.ops.changes import ASKED, Done, Question, asked, written_down
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from dispatcher.pause import pause_deliveries, pause_now, resume_deliveries
from dispatcher.processes import Liveness, known_processes
from dispatcher.standing import COUNTED, read_standing

PAGE = "/ops/dispatchers/"
_LONGEST_REASON = 200


@operations_page()
def dispatchers_page(request: HttpRequest) -> HttpResponse:
    """Heartbeats, leases, versions and last errors; those that stopped as they should below the others."""
    processes = known_processes()
    running = [one for one in processes if one.liveness != Liveness.STOPPED]
    counted = Counter(one.liveness for one in processes)
    versions = {one.version for one in running if one.liveness == Liveness.ALIVE}
    context = {
        "running": running,
        "stopped": [one for one in processes if one.liveness == Liveness.STOPPED],
        "sentence": _sentence(counted),
        "versions": sorted(versions),
        "standing": read_standing(counted=COUNTED // 10),
        "counted": COUNTED // 10,
        "pause": pause_now(),
    }
    return render(request, "ops/dispatchers.html", context, current="dispatchers")


@operations_page(least=Role.OPERATOR, methods=ASKED)
def pause_page(request: HttpRequest) -> HttpResponse:
    """Nothing is claimed from then on, by any dispatcher."""
    standing = read_standing(counted=COUNTED // 10)
    question = Question(
        title="Pause all deliveries?",
        text="Nothing more is claimed, for any merchant. What is being sent ends; events are recorded and matched "
        "meanwhile, and wait.",
        button="Pause",
        back=PAGE,
        purpose="deliveries.pause",
        facts=(("Due now", f"{standing.due:,}"), ("Being sent", f"{standing.leased:,}")),
        warning="Every merchant's events are late from now on, until somebody resumes.",
        dangerous=True,
        template="ops/pause.html",
        current="dispatchers",
    )

    def act() -> Done:
        reason = request.POST.get("reason", "").strip()[:_LONGEST_REASON]
        with transaction.atomic():
            if not pause_deliveries(reason=reason):
                return Done("Deliveries are paused already.")
            written_down(
                request,
                action="deliveries.paused",
                subject="all deliveries",
                after={"reason": reason or None},
            )
        return Done("All deliveries are paused.")

    return asked(request, question, act)


@operations_page(least=Role.OPERATOR, methods=ASKED)
def resume_page(request: HttpRequest) -> HttpResponse:
    """What waited is claimed, oldest first."""
    standing = read_standing(counted=COUNTED // 10)
    question = Question(
        title="Resume deliveries?",
        text="What waited is sent now, as fast as limits allow; a receiver may get much at once.",
        button="Resume",
        back=PAGE,
        purpose="deliveries.resume",
        facts=(("Due now", f"{standing.due:,}"),),
        current="dispatchers",
    )

    def act() -> Done:
        with transaction.atomic():
            paused = pause_now()
            if not resume_deliveries():
                return Done("Deliveries are not paused.")
            written_down(
                request,
                action="deliveries.resumed",
                subject="all deliveries",
                before={"since": f"{paused.since:%Y-%m-%d %H:%M:%S} UTC", "reason": paused.reason}
                if paused
                else None,
            )
        return Done("Deliveries go on.")

    return asked(request, question, act)


def _sentence(counted: Counter[Liveness]) -> str:
    """How many there are, the worst first."""
    alive, stopping, late, gone = (
        counted[one] for one in (Liveness.ALIVE, Liveness.STOPPING, Liveness.LATE, Liveness.GONE)
    )
    if not alive and not late and not stopping:
        return "No dispatcher is running: nothing is sent."
    said = f"{alive} {'is' if alive == 1 else 'are'} alive."
    if stopping:
        said += f" {stopping} {'is' if stopping == 1 else 'are'} stopping: what is in flight ends."
    if late:
        said += f" {late} {'is' if late == 1 else 'are'} late: hanging, or cut off from the database."
    if gone:
        said += (
            f" {gone} ended without saying so; what {'it' if gone == 1 else 'they'} held is claimed again."
        )
    return said
