"""Every way to misbehave that we know of, by sections: docs/hostile-endpoints.md shows it.

test_table.py plays it to a dispatcher.
"""

from tests.hostile.behaviour import Behaviour
from tests.hostile.rows.connections import CONNECTION
from tests.hostile.rows.informational import INFORMATIONAL
from tests.hostile.rows.pace import PACE
from tests.hostile.rows.size import SIZE
from tests.hostile.rows.statuses import STATUS
from tests.hostile.rows.syntax import SYNTAX
from tests.hostile.rows.tls import TLS

TABLE: dict[str, list[Behaviour]] = {
    "Too slow": PACE,
    "Too much": SIZE,
    "Not HTTP": SYNTAX,
    "Informational answers": INFORMATIONAL,
    "Connections": CONNECTION,
    "TLS": TLS,
    "Statuses and addresses": STATUS,
}
