import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.previous import previous_attributes, restored


@pytest.mark.parametrize(
    ("before", "after", "previous"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 3, "b": 2}, {"a": 1}),
        ({"a": None}, {"a": "x"}, {"a": None}),
        ({"m": {"a": "1", "b": "2"}}, {"m": {"a": "1", "b": "3"}}, {"m": {"b": "2"}}),
        ({"m": {}}, {"m": {"new": "1"}}, {"m": {"new": None}}),
        ({"m": {"gone": "1"}}, {"m": {}}, {"m": {"gone": "1"}}),
        ({"m": {"a": {"b": 1, "c": 2}}}, {"m": {"a": {"b": 1, "c": 3}}}, {"m": {"a": {"c": 2}}}),
        ({"s": {"name": "A"}}, {"s": None}, {"s": {"name": "A"}}),
        ({"s": None}, {"s": {"name": "A"}}, {"s": None}),
        ({"list": [1, 2]}, {"list": [1, 3]}, {"list": [1, 2]}),
    ],
)
def test_only_what_changed_is_told_as_it_was(before, after, previous):
    assert previous_attributes(before, after) == previous


values = st.recursive(
    st.integers(0, 3) | st.text("ab", max_size=1),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner),
)
objects = st.fixed_dictionaries({"x": values, "y": values})


@settings(deadline=None)
@given(objects, objects)
def test_an_object_is_restored_from_what_it_became_and_what_it_was(before, after):
    again = restored(after, previous_attributes(before, after))
    assert _without_nulls(again) == _without_nulls(before)


def _without_nulls(value):
    if not isinstance(value, dict):
        return value
    return {name: _without_nulls(member) for name, member in value.items() if member is not None}
