"""What can go wrong around endpoints and deliveries. Failures of a send are outcomes, not errors."""

import uuid

from outbox.identifiers import encode_id


class DispatcherError(Exception):
    """The dispatcher could not do what was asked."""


class ConfigurationError(DispatcherError):
    """The DISPATCHER settings contradict each other or are out of range."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class EndpointNotFound(DispatcherError):
    """No such endpoint belongs to this owner."""

    def __init__(self, endpoint_id: uuid.UUID) -> None:
        self.public_id = encode_id("we", endpoint_id)
        super().__init__(f"No such webhook endpoint: '{self.public_id}'")


class DeliveryNotFound(DispatcherError):
    """No such delivery belongs to this owner."""

    def __init__(self, delivery_id: uuid.UUID) -> None:
        self.public_id = encode_id("dlv", delivery_id)
        super().__init__(f"No such delivery: '{self.public_id}'")


class DeliveryEnded(DispatcherError):
    """The delivery has ended already; only live ones can be stopped."""

    def __init__(self, delivery_id: uuid.UUID, state: str) -> None:
        self.public_id = encode_id("dlv", delivery_id)
        self.state = state
        super().__init__(
            f"Delivery '{self.public_id}' has ended ({state}); only a pending one can be stopped"
        )


class EventExpired(DispatcherError):
    """The event is past its retention and was dropped; nothing of it is left to send."""

    def __init__(self, event_id: uuid.UUID) -> None:
        self.public_id = encode_id("evt", event_id)
        super().__init__(f"Event '{self.public_id}' is no longer kept, so it cannot be sent again")


class OrderKeyNotStopped(DispatcherError):
    """The order key does not stand still at this endpoint."""

    def __init__(self, endpoint_id: uuid.UUID, order_key: str) -> None:
        self.public_id = encode_id("we", endpoint_id)
        self.order_key = order_key
        super().__init__(f"Order key {order_key!r} of webhook endpoint '{self.public_id}' is not stopped")


class TooManyEndpoints(DispatcherError):
    """The owner has as many endpoints as one may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"An account can have at most {limit} webhook endpoints; delete one first")
        self.limit = limit


class InvalidEndpoint(DispatcherError):
    """A field of an endpoint cannot be what it was asked to be."""

    def __init__(self, *, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class ReplayRefused(DispatcherError):
    """A replay cannot be what it was asked to be."""

    def __init__(self, *, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class ReplayNotFound(DispatcherError):
    """No such replay belongs to this owner."""

    def __init__(self, replay_id: uuid.UUID) -> None:
        self.public_id = encode_id("rpl", replay_id)
        super().__init__(f"No such replay: '{self.public_id}'")


class ReplayStateRefused(DispatcherError):
    """The replay's state allows no such change."""

    def __init__(self, replay_id: uuid.UUID, state: str) -> None:
        self.public_id = encode_id("rpl", replay_id)
        self.state = state
        super().__init__(f"Replay '{self.public_id}' is {state}; that cannot be changed any more")


class SearchRefused(DispatcherError):
    """A list cannot be what it was asked to be."""

    def __init__(self, *, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class SecretUndecryptable(DispatcherError):
    """A stored signing secret cannot be read with any of the configured keys."""

    def __init__(self) -> None:
        super().__init__(
            "the endpoint's signing secret was encrypted with a key that is not in DISPATCHER['SECRET_KEYS']"
        )


class BrokerUnusable(DispatcherError):
    """The broker's URL, or what is installed for it, cannot be used."""


class BrokerOutOfReach(DispatcherError):
    """The broker cannot be reached, or refuses; nothing was handed out."""
