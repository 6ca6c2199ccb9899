"""How drf-spectacular reads our views (REST_FRAMEWORK["DEFAULT_SCHEMA_CLASS"]).

Imported while the views are being made, so the table of operations is looked up late.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from api import fields, metadata
from core.versions import STRIPE_VERSIONS

_BODY_METHODS = frozenset({"POST", "PATCH"})
_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 characters. The same request sent again under its key gets the same answer.",
)

_VERSION = OpenApiParameter(
    "Stripe-Version",
    str,
    OpenApiParameter.HEADER,
    description="One of " + ", ".join(STRIPE_VERSIONS) + "; for any other the account's.",
)


class ApiSchema(AutoSchema):
    """Describes an operation by its entry in api/operations.py."""

    @property
    def _operation(self) -> Any:
        from api.operations import OPERATIONS

        view: Any = type(self.view)
        return OPERATIONS[view, self.method]

    @property
    def _stripe(self) -> bool:
        return bool(self.path.startswith("/v1/"))

    def get_operation_id(self) -> str:
        return f"stripe_{self._operation.name}" if self._stripe else self._operation.name

    def get_summary(self) -> str:
        return str(self._operation.summary)

    def get_description(self) -> str:  # type: ignore[override]
        return ""

    def get_tags(self) -> list[str]:
        resource = self.path.removeprefix("/v1").strip("/").partition("/")[0]
        return [f"{resource} (Stripe dialect)" if self._stripe else resource]

    def get_override_parameters(self) -> list[Any]:
        headers = [_VERSION] if self._stripe else []
        if self.method == "POST":
            return [_KEY, *headers]
        if self.method in _BODY_METHODS:
            return headers
        return headers + [
            OpenApiParameter(
                f"{name}[]" if isinstance(field, fields.TextList) else name,
                schema(field),
                style="deepObject" if isinstance(field, fields.Moment) else None,
                explode=True if isinstance(field, fields.Moment) else None,
            )
            for name, field in self._operation.takes.fields.items()
        ]

    def get_filter_backends(self) -> list[Any]:
        return []

    def get_request_serializer(self) -> Any:
        if self.method not in _BODY_METHODS or not self._operation.takes.fields:
            return None
        return self._operation.takes

    def get_response_serializers(self) -> dict[Any, Any]:  # type: ignore[override]
        from api.outputs import Error

        operation = self._operation
        status = 201 if operation.creates and not self._stripe else 200
        return {
            status: OpenApiResponse(operation.gives, description="It worked."),
            "default": OpenApiResponse(Error, description="It was refused; `error` says why."),
        }

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Lists have an envelope of their own, which is one object."""
        return False


class FieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The kinds of value of api/fields.py."""

    target_class = "api.fields.Value"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return schema(self.target)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A secret key as a bearer token."""

    target_class = "api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "`sk_test_…`, made by `manage.py create_api_key`",
        }


def schema(field: object) -> dict[str, Any]:
    """The JSON Schema of a kind of value."""
    match field:
        case fields.Email():
            return {"type": "string", "format": "email", "maxLength": field.longest}
        case fields.Choice():
            return {"type": "string", "enum": list(field.words)}
        case fields.Text():
            return {"type": "string", "maxLength": field.longest}
        case fields.Integer():
            least = {} if field.least is None else {"minimum": field.least}
            return {"type": "integer", **least, "maximum": field.most}
        case fields.Number():
            return {"type": "number", "minimum": field.least, "maximum": field.most}
        case fields.Boolean():
            return {"type": "boolean"}
        case fields.TextList():
            return {"type": "array", "items": {"type": "string"}, "maxItems": field.longest}
        case metadata.Metadata():
            value = {"type": ["string", "null"], "maxLength": metadata.METADATA_VALUE}
            return {
                "type": "object",
                "additionalProperties": value,
                "maxProperties": metadata.METADATA_KEYS,
            }
        case fields.Moment():
            bounds = {bound: {"type": "integer"} for bound in field.BOUNDS}
            return {"type": "object", "properties": bounds, "description": "Unix seconds"}
    raise TypeError(type(field).__name__)


def dialect_paths(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Preprocessing hook: resources only, each path as its dialect writes it; PATCH is plain."""
    from api.views.base import ApiView

    kept = []
    for path, path_regex, method, callback in endpoints:
        if not issubclass(getattr(callback, "cls", object), ApiView):
            continue
        if path.startswith("/v1/"):
            if method != "PATCH":
                kept.append((path.rstrip("/"), path_regex, method, callback))
        else:
            kept.append((path.rstrip("/") + "/", path_regex, method, callback))
    return kept
