"""Secrets to plant, and the places where none of them may come to light."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import connection

# What a full signature looks like in either scheme, whosever it is.
SIGNATURE = re.compile(r"v1=[0-9a-f]{64}|v1,[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True)
class Canary:
    """A text that sings wherever it is found.

    Attributes:
        spellings: any of them is the secret.
        kept_in: `table.column` of what rightly keeps it; nothing else in the database may.
    """

    name: str
    spellings: tuple[str, ...]
    kept_in: frozenset[str] = frozenset()


@dataclass(slots=True)
class Search:
    """What was looked for, and where.

    Attributes:
        texts: sink → what it holds. A sink of the database is named `table.column`.
        found: (canary, sink) of every leak.
    """

    canaries: list[Canary]
    texts: dict[str, str] = field(default_factory=dict)

    def look_in(self, texts: Mapping[str, str]) -> None:
        self.texts.update(texts)

    @property
    def found(self) -> list[tuple[str, str]]:
        leaks = [
            (canary.name, sink)
            for sink, text in self.texts.items()
            for canary in self.canaries
            if sink not in canary.kept_in and any(spelling in text for spelling in canary.spellings)
        ]
        return leaks + [
            ("a full signature", sink) for sink, text in self.texts.items() if SIGNATURE.search(text)
        ]


def database_texts() -> dict[str, str]:
    """Every column of every table that can hold a text: `table.column` → all of its values.

    Partitions are read through their table.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT table_name, column_name, data_type
            FROM information_schema.columns
            JOIN pg_class ON oid = format('%I', table_name)::regclass
            WHERE table_schema = 'public' AND NOT relispartition AND relkind IN ('r', 'p')
              AND data_type IN ('text', 'character varying', 'bytea', 'jsonb', 'json', 'ARRAY')
            ORDER BY table_name, ordinal_position
            """
        )
        columns = cursor.fetchall()
        texts = {}
        for table, column, kind in columns:
            shown = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
            cursor.execute(f"SELECT coalesce(string_agg({shown}, E'\\n'), '') FROM {table}")
            texts[f"{table}.{column}"] = cursor.fetchone()[0]
    return texts
