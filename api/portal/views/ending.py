"""The end of the link itself, by whoever holds it: one that came into the wrong hands is over at once."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from api.portal.changes import Question, ask, read_form, written_down
from api.portal.pages import ASKED, Portal, portal_page, see
from api.portal.sessions import revoke_session


@portal_page(methods=ASKED)
def end_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """The link opens nothing from then on: what follows the form says so."""
    session = portal.session
    if request.method == "POST":
        read_form(request)
        with transaction.atomic():
            revoke_session(account_id=session.account_id, session_id=session.id)
            written_down(request, portal, action="portal_session.ended", subject=session.public_id)
        return see(portal, "")
    question = Question(
        title="End this link?",
        text="It opens nothing any more, for everybody who has it: right when it was shown to somebody whom it was not "
        "for. What was changed by it stays, and a new link can be had where you got this one.",
        button="End it now",
        facts=[
            ("Link", session.public_id),
            ("Ends by itself", f"{session.expires_at:%Y-%m-%d %H:%M:%S} UTC"),
        ],
        dangerous=True,
        back=portal.path(),
        current="end",
    )
    return ask(request, portal, question)
