"""Every path below `/portal/<token>/`. A link that opens nothing is one answer on all of them."""

from django.urls import URLPattern, path, re_path

from api.portal.pages import nothing_here
from api.portal.views.catalogue import catalogue_page, event_type_page, schema_file
from api.portal.views.deliveries import deliveries_page, delivery_page, failures_page, resend_page, stop_page
from api.portal.views.ending import end_page
from api.portal.views.endpoint_changes import (
    delete_page,
    disable_page,
    enable_page,
    roll_page,
    test_page,
)
from api.portal.views.endpoints import (
    edit_endpoint_page,
    endpoint_page,
    endpoints_page,
    new_endpoint_page,
)
from api.portal.views.events import event_page, events_page, send_event_page
from api.portal.views.finding import find_page
from api.portal.views.replays import (
    CHANGES,
    change_replay_page,
    new_replay_page,
    replay_page,
    replays_page,
)

urlpatterns: list[URLPattern] = [
    path("<str:token>/", endpoints_page, name="portal-endpoints"),
    path("<str:token>/endpoints/", endpoints_page, name="portal-endpoints-list"),
    path("<str:token>/endpoints/new/", new_endpoint_page, name="portal-endpoint-new"),
    path("<str:token>/endpoints/<str:id>/", endpoint_page, name="portal-endpoint"),
    path("<str:token>/endpoints/<str:id>/edit/", edit_endpoint_page, name="portal-endpoint-edit"),
    path("<str:token>/endpoints/<str:id>/enable/", enable_page, name="portal-endpoint-enable"),
    path("<str:token>/endpoints/<str:id>/disable/", disable_page, name="portal-endpoint-disable"),
    path("<str:token>/endpoints/<str:id>/delete/", delete_page, name="portal-endpoint-delete"),
    path("<str:token>/endpoints/<str:id>/roll/", roll_page, name="portal-endpoint-roll"),
    path("<str:token>/deliveries/", deliveries_page, name="portal-deliveries"),
    path("<str:token>/deliveries/<str:id>/", delivery_page, name="portal-delivery"),
    path("<str:token>/deliveries/<str:id>/resend/", resend_page, name="portal-delivery-resend"),
    path("<str:token>/deliveries/<str:id>/stop/", stop_page, name="portal-delivery-stop"),
    path("<str:token>/endpoints/<str:id>/replay/", new_replay_page, name="portal-replay-new"),
    path("<str:token>/replays/", replays_page, name="portal-replays"),
    path("<str:token>/replays/<str:id>/", replay_page, name="portal-replay"),
    *(
        path(
            f"<str:token>/replays/<str:id>/{change}/",
            change_replay_page,
            {"change": change},
            name=f"portal-replay-{change}",
        )
        for change in CHANGES
    ),
    path("<str:token>/events/", events_page, name="portal-events"),
    path("<str:token>/events/<str:id>/", event_page, name="portal-event"),
    path("<str:token>/events/<str:id>/send/", send_event_page, name="portal-event-send"),
    path("<str:token>/test/", test_page, name="portal-test"),
    path("<str:token>/catalogue/", catalogue_page, name="portal-catalogue"),
    path("<str:token>/catalogue/<str:name>/", event_type_page, name="portal-event-type"),
    path("<str:token>/catalogue/<str:name>/schema.json", schema_file, name="portal-schema"),
    path("<str:token>/failures/", failures_page, name="portal-failures"),
    path("<str:token>/end/", end_page, name="portal-end"),
    path("<str:token>/find/", find_page, name="portal-find"),
    re_path(r"^(?P<token>[^/]*)(?:/(?P<below>.*))?$", nothing_here, name="portal-nothing"),
]
