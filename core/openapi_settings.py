"""What the OpenAPI description says of itself, and how it is made."""

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Mini Stripe",
    "VERSION": "2026-11-22",
    "DESCRIPTION": (
        "Payments and signed webhooks. The paths without `/v1` speak the plain dialect, "
        "those under `/v1` Stripe's: the official SDKs work with them.\n\n"
        "*Authorize* takes an API key, as `manage.py create_api_key` prints it; then *Try it out* sends real "
        "requests. Why an attempt failed: [failure codes](/docs/failure-codes/). How deliveries stand: "
        "[operations](/ops/)."
    ),
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["api.openapi.dialect_paths"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.openapi.expandable_members",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ApiVersionEnum": "core.versions.VERSIONS",
        "EndpointApiVersionEnum": "core.versions.STRIPE_VERSIONS",
        "PaymentMethodTypeEnum": ["card", "us_bank_account"],
        "EndpointStatusEnum": ["enabled", "disabled"],
        "PortalSessionStatusEnum": ["active", "expired", "revoked"],
        "UsageEnum": ["off_session", "on_session"],
    },
    "ENABLE_LIST_MECHANICS_ON_NON_2XX": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/",
    "SERVE_INCLUDE_SCHEMA": False,
}
