"""`/requests/`: what the request log has of one request."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import ResourceMissing
from api.fields import identified
from api.inputs import RETRIEVE
from api.models import RequestLog
from api.objects import request_object
from api.views.base import ApiView


class RequestView(ApiView):
    """One request of the account, as it was answered."""

    def get(self, request: Request, id: str) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind="request")
        request_id = identified(id, prefix="req", noun="request", param="id")
        row = RequestLog.objects.filter(account_id=self.account_id, id=request_id).first()
        if row is None:
            raise ResourceMissing("request", id, param="id")
        return self.answer(request_object(row))
