"""Identifiers outside: prefix and base62, sorted like the UUIDs they stand for."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id, floor_uuid, moment_of, new_uuid

GOLDEN = "evt_0352YUPa1ZsVxzcvTS2VXC"


@pytest.mark.parametrize("number", [0, 1, 61, 62, 2**64, 2**128 - 1])
def test_every_uuid_comes_back(number):
    value = uuid.UUID(int=number)
    assert decode_id("evt", encode_id("evt", value)) == value


def test_a_golden_identifier():
    assert encode_id("evt", decode_id("evt", GOLDEN)) == GOLDEN
    assert encode_id("evt", uuid.UUID(int=0)) == "evt_" + "0" * 22


def test_identifiers_sort_by_time():
    ids = [new_uuid() for _ in range(1000)]
    assert sorted(encode_id("evt", one) for one in ids) == [encode_id("evt", one) for one in sorted(ids)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evt_",
        "evt",
        "we_" + GOLDEN[4:],
        GOLDEN[:-1],
        GOLDEN + "0",
        GOLDEN[:-1] + "-",
        "evt_" + "z" * 22,
        "evt_é" + "0" * 21,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidIdentifier, match="not a evt_ identifier"):
        decode_id("evt", text)


def test_an_id_tells_its_moment():
    before = datetime.now(tz=UTC)
    assert abs(moment_of(new_uuid()) - before) < timedelta(minutes=1)


def test_floor_bounds_the_ids_of_a_moment():
    moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    floor = floor_uuid(moment)
    assert moment_of(floor) == moment
    assert floor_uuid(moment - timedelta(milliseconds=1)) < floor < new_uuid() or moment > datetime.now(
        tz=UTC
    )
