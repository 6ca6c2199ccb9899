"""The same project with a receiver on its own machine, which deliveries do not reach unless it is said."""

from parcels.settings import *  # noqa: F403

DISPATCHER = {"ALLOW_HTTP": True, "ALLOW_ADDRESSES": ["127.0.0.0/8"], "EXTRA_PORTS": ["any"]}
