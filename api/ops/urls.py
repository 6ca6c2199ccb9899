"""Every path below `/ops/`. Patterns are named as their pages; ids are judged by the views."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, re_path

from api.ops.views.audit import audit_page
from api.ops.views.deliveries import deliveries_page
from api.ops.views.delivery import delivery_page, delivery_report_page, resend_page, stop_page
from api.ops.views.dispatchers import dispatchers_page, pause_page, resume_page
from api.ops.views.endpoint_changes import (
    disable_page,
    enable_page,
    reveal_secret_page,
    roll_secret_page,
    send_test_page,
)
from api.ops.views.endpoints import endpoint_page, endpoints_page
from api.ops.views.events import event_page
from api.ops.views.limits import limits_page
from api.ops.views.new_replay import new_replay_page
from api.ops.views.overview import overview_page
from api.ops.views.payments import payment_page, payments_page
from api.ops.views.people import activity_page, new_person_page, people_page, person_link_page, role_page
from api.ops.views.probe import probe_page
from api.ops.views.replays import replay_change_page, replay_page, replays_page
from api.ops.views.requests import request_page, requests_page
from api.ops.views.session import enter_page, login_page, logout_page, password_page
from api.ops.views.trace import trace_page
from api.pages.words import plain


def to_operations(request: HttpRequest) -> HttpResponse:
    """`/ops` without its slash."""
    del request
    return HttpResponseRedirect("/ops/")


def nothing_here(request: HttpRequest) -> HttpResponse:
    """Raises Http404."""
    raise Http404(f"There is no page {plain(request.path)}.")


urlpatterns = [
    path("", overview_page, name="ops-overview"),
    path("audit/", audit_page, name="ops-audit"),
    path("dispatchers/", dispatchers_page, name="ops-dispatchers"),
    path("dispatchers/pause/", pause_page, name="ops-pause"),
    path("dispatchers/resume/", resume_page, name="ops-resume"),
    path("endpoints/", endpoints_page, name="ops-endpoints"),
    path("endpoints/<id>/", endpoint_page, name="ops-endpoint"),
    path("endpoints/<id>/disable/", disable_page, name="ops-endpoint-disable"),
    path("endpoints/<id>/enable/", enable_page, name="ops-endpoint-enable"),
    path("endpoints/<id>/test/", send_test_page, name="ops-endpoint-test"),
    path("endpoints/<id>/secret/", reveal_secret_page, name="ops-endpoint-secret"),
    path("people/", people_page, name="ops-people"),
    path("people/new/", new_person_page, name="ops-person-new"),
    path("people/<id>/role/", role_page, name="ops-person-role"),
    path("people/<id>/access/", activity_page, name="ops-person-access"),
    path("people/<id>/link/", person_link_page, name="ops-person-link"),
    path("replays/", replays_page, name="ops-replays"),
    path("replays/new/", new_replay_page, name="ops-replay-new"),
    path("replays/<id>/", replay_page, name="ops-replay"),
    path("replays/<id>/pause/", replay_change_page, {"change": "pause"}, name="ops-replay-pause"),
    path("replays/<id>/resume/", replay_change_page, {"change": "resume"}, name="ops-replay-resume"),
    path("replays/<id>/cancel/", replay_change_page, {"change": "cancel"}, name="ops-replay-cancel"),
    path("endpoints/<id>/probe/", probe_page, name="ops-endpoint-probe"),
    path("endpoints/<id>/limits/", limits_page, name="ops-endpoint-limits"),
    path("endpoints/<id>/roll/", roll_secret_page, name="ops-endpoint-roll"),
    path("enter/<token>/", enter_page, name="ops-enter"),
    path("password/", password_page, name="ops-password"),
    path("deliveries/", deliveries_page, name="ops-deliveries"),
    path("deliveries/<str:id>/", delivery_page, name="ops-delivery"),
    path("deliveries/<str:id>/report/", delivery_report_page, name="ops-delivery-report"),
    path("deliveries/<str:id>/resend/", resend_page, name="ops-delivery-resend"),
    path("deliveries/<str:id>/stop/", stop_page, name="ops-delivery-stop"),
    path("events/<str:id>/", event_page, name="ops-event"),
    path("payments/", payments_page, name="ops-payments"),
    path("payments/<str:id>/", payment_page, name="ops-payment"),
    path("requests/", requests_page, name="ops-requests"),
    path("requests/<str:id>/", request_page, name="ops-request"),
    path("trace/", trace_page, name="ops-trace"),
    path("login/", login_page, name="ops-login"),
    path("logout/", logout_page, name="ops-logout"),
    re_path(r"", nothing_here),
]
