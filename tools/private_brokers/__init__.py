"""Brokers of one's own: RabbitMQ and Redis on a free port of 127.0.0.1, gone on exit.

    with PrivateRedis() as server:
        connect(server.url)

Each lives in a directory of mode 0700 under /var/tmp. A keeper process starts the server and holds a pipe from
its owner: when the owner ends, however it ends, the keeper stops the server and removes the directory.
"""

from tools.private_brokers.server import PrivateBroker, PrivateRabbitMQ, PrivateRedis

__all__ = ["PrivateBroker", "PrivateRabbitMQ", "PrivateRedis"]
