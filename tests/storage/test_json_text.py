"""JSON columns hold whatever texts hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.json_text import dump_json, load_json

texts = st.text(st.characters(), max_size=20)  # half surrogate pairs among them
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_is_written_is_read(value: object) -> None:
    assert load_json(dump_json(value)) == value
    assert load_json(json.dumps(value)) == value  # of an older version


def test_half_a_surrogate_pair_is_kept() -> None:
    assert load_json(dump_json({"cut": "\ud83d"})) == {"cut": "\ud83d"}


def test_what_is_no_json_is_not_read() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        load_json("{")
