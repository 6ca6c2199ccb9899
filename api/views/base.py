"""What all views of the API share: who calls, what they pass, and how the answer leaves."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.http import HttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from api.answers import Answer, encode
from api.authentication import ApiKeyAuthentication
from api.context import RequestContext, context_of
from api.envelope import refusal_answer
from api.errors import ApiError, InvalidParameter
from api.expansion import NO_EXPANSION, Expansion, parse_expansion
from api.form_body import parse_form
from api.idempotency import (
    IdempotentOperation,
    checked_key,
    fingerprint_of,
    in_one_transaction,
    in_steps,
    perform,
)
from api.idempotency import Request as IdempotentRequest
from api.input_tables import Fields, InputTable
from api.inputs import NOTHING
from api.parsers import FormTree, StrictJsonParser, StripeFormParser
from api.permissions import check_permission, permitted_part, resource_of
from core.api_keys import ApiKeyIdentity
from core.key_scopes import RESOURCE_OF_KIND, KeyKind
from core.versions import PLAIN
from core.writes import Write

Object = dict[str, Any]


class AlwaysJson(DefaultContentNegotiation):
    """There is one representation, whatever `Accept` says."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return next(iter(renderers)), "application/json"


class ApiView(APIView):
    """A resource, or one of its actions."""

    authentication_classes = [ApiKeyAuthentication]
    parser_classes = [StrictJsonParser, StripeFormParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJson
    permission_classes = []
    throttle_classes = []
    versioning_class = None
    metadata_class = None
    http_method_names = ["get", "post", "patch", "delete", "head"]
    # What a publishable key may use: a view that names methods here has to ask for the object's client_secret.
    publishable_methods: frozenset[str] = frozenset()
    # An answer needs no `Allow`, save one to a wrong method (api/exception_handling.py).
    default_response_headers: dict[str, str] = {}

    @property
    def context(self) -> RequestContext:
        return context_of(self.request)

    @property
    def identity(self) -> ApiKeyIdentity:
        identity = self.context.identity
        assert identity is not None, "only authenticated requests reach a handler"
        return identity

    @property
    def owner(self) -> str:
        return self.identity.owner

    @property
    def account_id(self) -> uuid.UUID:
        return self.identity.account_id

    @property
    def publishable(self) -> bool:
        return self.identity.kind == KeyKind.PUBLISHABLE

    def check_permissions(self, request: Request) -> None:
        """Raises core's PermissionDenied."""
        check_permission(
            self.identity,
            resource=resource_of(request.path),
            method=request.method or "",
            publishable_methods=self.publishable_methods,
        )

    @property
    def created_status(self) -> int:
        """Stripe answers 200 to everything that worked."""
        return 201 if self.context.version == PLAIN else 200

    def query(self, table: InputTable = NOTHING) -> Fields:
        """The validated query string. Raises InvalidParameter."""
        parameters = FormTree(parse_form(self.request.META.get("QUERY_STRING", "")))
        self.context.parameters = parameters
        return table.validated(parameters)

    def body(self, table: InputTable = NOTHING) -> Fields:
        """The validated body. Raises InvalidParameter, or ApiError where there is no reading it."""
        meta = self.request.META
        if meta.get("HTTP_TRANSFER_ENCODING") and not meta.get("CONTENT_LENGTH"):
            raise ApiError("Send a Content-Length.", status=411, code="length_required")
        for name in parse_form(meta.get("QUERY_STRING", "")):
            raise InvalidParameter(
                f"Parameters of a {self.request.method} belong in its body, not in the URL.",
                code="parameter_unknown",
                param=name[:100],
            )
        parameters: Any = self.request.data or {}
        self.context.parameters = parameters
        return table.validated(parameters)

    def answer(self, shown: Object, *, status: int = 200) -> HttpResponse:
        return Answer(status, encode(shown)).response()

    def shown(self, canonical: Object, expansions: Expansion = NO_EXPANSION) -> Object:
        """A canonical object in the caller's version, expanded as asked."""
        return self.shown_all([canonical], expansions)[0]

    def shown_all(self, canonicals: Sequence[Object], expansions: Expansion = NO_EXPANSION) -> list[Object]:
        """Canonical objects in the caller's version, expanded together: the same number of queries for any number."""
        permitted = [permitted_part(canonical, self.identity) for canonical in canonicals]
        return expansions.apply(permitted, account_id=self.account_id, version=self.context.version)

    def expansions(self, fields: Fields, *, kind: str, listed: bool = False) -> Expansion:
        """The checked `expand` of some parameters, taken out of them.

        Raises:
            InvalidParameter: there is no expanding that.
            PermissionDenied: the key may not read what is to be shown.
        """
        expansion = parse_expansion(fields.pop("expand", []), kind=kind, listed=listed)
        if self.identity.kind != KeyKind.SECRET:
            for shown in sorted(expansion.kinds):
                check_permission(self.identity, resource=RESOURCE_OF_KIND[shown], method="GET")
        return expansion

    def client_secret(self, fields: Fields) -> str | None:
        """The `client_secret` among some parameters, taken out of them; a publishable key has to give it.

        Raises:
            InvalidParameter: it is missing.
        """
        secret: str | None = fields.pop("client_secret", None)
        if secret is None and self.publishable:
            raise InvalidParameter(
                "Missing required param: client_secret.", code="parameter_missing", param="client_secret"
            )
        return secret

    def write(
        self,
        fields: Fields,
        run: Callable[[Write], Object],
        *,
        show: Callable[[Object], Object],
        status: int = 200,
    ) -> HttpResponse:
        """Run one of core's writes, which calls the operation itself; `show` turns its result into the answer."""
        operation = self._operation(fields, lambda result: Answer(status, encode(show(result))), secret=False)
        if operation is None:
            return self.answer(show(run(self._write())), status=status)
        write = self._write(operation)
        return perform(operation, lambda: run(write)).response()

    def write_beside(
        self,
        fields: Fields,
        run: Callable[[], Object],
        *,
        status: int = 200,
        secret: bool = False,
        repeatable: bool = False,
    ) -> HttpResponse:
        """Run a service that knows no operations; its result is the answer's object.

        The service joins the operation's transaction, unless it may be repeated and needs one of its own.
        """
        operation = self._operation(fields, lambda result: Answer(status, encode(result)), secret=secret)
        if operation is None:
            return self.answer(run(), status=status)
        steps = in_steps if repeatable else in_one_transaction
        return perform(operation, steps(operation, run)).response()

    def write_with_hook(
        self,
        fields: Fields,
        run: Callable[[Callable[[Object], None]], Object],
        *,
        status: int = 200,
        secret: bool = False,
    ) -> HttpResponse:
        """Run a service that calls its hook, first in its one transaction, with the answer's object."""
        operation = self._operation(fields, lambda result: Answer(status, encode(result)), secret=secret)
        if operation is None:
            return self.answer(run(lambda _: None), status=status)
        return perform(operation, lambda: run(operation.begin)).response()

    def _operation(
        self, fields: Fields, render_answer: Callable[[Object], Answer], *, secret: bool
    ) -> IdempotentOperation | None:
        """None where the request names no key, or is no POST: the other methods repeat without harm."""
        context = self.context
        if context.idempotency_key is None or self.request.method != "POST":
            return None
        return IdempotentOperation(
            request=IdempotentRequest(
                # A publishable key is in everybody's hands: its idempotency keys are its own, not the account's.
                account_id=self.identity.key_id if self.publishable else self.account_id,
                key=checked_key(context.idempotency_key),
                endpoint=f"{self.request.method} {self.request.path.rstrip('/')}",
                fingerprint=fingerprint_of(fields),
                request_id=context.public_id,
            ),
            render=render_answer,
            refuse=lambda error: refusal_answer(error, context),
            secret=secret,
        )

    def _write(self, operation: IdempotentOperation | None = None) -> Write:
        given = {} if operation is None else {"operation": operation}
        return Write(
            account_id=self.account_id,
            owner=self.owner,
            request_id=self.context.public_id,
            idempotency_key=self.context.idempotency_key,
            **given,
        )
