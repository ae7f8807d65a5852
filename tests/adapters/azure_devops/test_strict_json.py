import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.azure_devops.strict_json import MAX_DEPTH, loads_object, loads_object_quickly

TWO_MEGABYTES = 2 * 1024 * 1024


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "the body is empty"),
        (b"\xef\xbb\xbf", "the body is empty"),
        (b" \r\n\t", "the body is empty"),
        (b"null", "the body is not a JSON object"),
        (b"[1]", "the body is not a JSON object"),
        (b'"text"', "the body is not a JSON object"),
        (b'{"a":1,"a":2}', "the body has a key twice in one object"),
        (b'{"a":{"b":1,"b":1}}', "the body has a key twice in one object"),
        (b'{"a":NaN}', "the body has NaN, which is not JSON"),
        (b'{"a":-Infinity}', "the body has -Infinity, which is not JSON"),
        (b'{"a":1e999}', "the body has a number that is too large"),
        (b'{"a":' + b"1" * 5000 + b"}", "the body has a number of too many digits"),
        (b'{"a":0.' + b"1" * 5000 + b"}", "the body has a number of too many digits"),
        (b'{"a":"\xff"}', "the body is not UTF-8 at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "the body is not UTF-8 at byte 6"),
        ('{"a":1}'.encode("utf-16"), "the body is not UTF-8 at byte 0"),
        (b'{"a":1', "the body is not JSON"),
        (b'{"a":1} x', "the body is not JSON"),
        (b'{"a":"\n"}', "the body is not JSON"),
        (b"{'a':1}", "the body is not JSON"),
        (b"[" * 100_000, "nested more than|more than 80000 values"),
        (b'{"a":' * 100_000, "nested more than|more than 80000 values"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested more than"),
        (b'{"a":[' + b"1," * 100_000 + b"1]}", "more than 80000 values"),
    ],
)
def test_hostile_json_is_refused_in_one_sentence_CHECKS_15(raw: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^.*({sentence})[^\n]*$") as caught:
        loads_object(raw)
    assert len(str(caught.value)) < 120


def test_the_allowed_depth_is_exact() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    loads_object(nested(MAX_DEPTH))
    with pytest.raises(ValueError, match="nested"):
        loads_object(nested(MAX_DEPTH + 1))


def test_many_shallow_values_are_not_taken_for_deep_ones() -> None:
    assert loads_object(b'{"a":[' + b"{}," * 1000 + b"{}]}")["a"] == [{}] * 1001


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb'{"a":"x\ud83d"}', "x\ufffd"),
        (rb'{"a":"\ude00x"}', "\ufffdx"),
        (rb'{"a":"\ud83d\ude00"}', "😀"),
        (rb'{"a":"\\ud83d"}', r"\ud83d"),
        (rb'{"a":"\\\ud83d!"}', "\\\ufffd!"),
        (rb'{"a":"\uD83D\uDE00\uD83D"}', "😀\ufffd"),
    ],
)
def test_half_a_character_becomes_the_replacement_character(raw: bytes, text: str) -> None:
    assert loads_object(raw) == {"a": text}


def test_a_byte_order_mark_is_skipped() -> None:
    assert loads_object(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=20,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), JSON_VALUES))
def test_every_ordinary_object_is_read_as_json_reads_it(body: dict[str, object]) -> None:
    assert loads_object(json.dumps(body).encode()) == body
    assert loads_object(json.dumps(body, ensure_ascii=False).encode()) == body


@given(st.binary(max_size=200))
def test_any_bytes_give_an_object_or_a_value_error(raw: bytes) -> None:
    try:
        assert isinstance(loads_object(raw), dict)
    except ValueError as error:
        assert str(error)


LEFT_TO_THE_STRICT_READING = ("too large", "too many digits", "nested more than")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[1]",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"\\u0062":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":' + b"1" * 5000 + b"}",
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":1} x',
        b'{"a":01}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":[' + b"1," * 100_000 + b"1]}",
    ],
)
def test_the_quick_reading_refuses_with_the_same_sentence_CHECKS_15(raw: bytes) -> None:
    with pytest.raises(ValueError) as strictly:  # the sentences are compared
        loads_object(raw)
    with pytest.raises(ValueError, match=re.escape(str(strictly.value))):
        loads_object_quickly(raw)


@pytest.mark.parametrize(
    "raw", [b'\xef\xbb\xbf{"a":1}', rb'{"a":"x\ud83d"}', rb'{"a":"\ud83d\ude00"}', b'{"a":-0.5e-3}']
)
def test_the_quick_reading_takes_what_the_strict_one_takes(raw: bytes) -> None:
    assert loads_object_quickly(raw) == loads_object(raw)


@pytest.mark.parametrize(
    "raw", [b'{"a":1e999}', b'{"a":0.' + b"1" * 5000 + b"}", b'{"a":' * 150 + b"1" + b"}" * 150]
)
def test_the_quick_reading_leaves_numbers_and_depth_to_the_strict_one(raw: bytes) -> None:
    assert "a" in loads_object_quickly(raw)
    with pytest.raises(ValueError, match="|".join(LEFT_TO_THE_STRICT_READING)):
        loads_object(raw)


@given(
    st.dictionaries(st.text(), JSON_VALUES).map(lambda body: json.dumps(body).encode()),
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(b'{}[]",:\\eE.-019ntuf \xff')), max_size=3
    ),
)
def test_both_readings_agree_on_broken_json_too(raw: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(raw)
    for place, byte in changes:
        changed[place % len(changed)] = byte
    try:
        strict = loads_object(bytes(changed))
    except ValueError as error:
        if not any(words in str(error) for words in LEFT_TO_THE_STRICT_READING):
            with pytest.raises(ValueError, match=re.escape(str(error))):
                loads_object_quickly(bytes(changed))
    else:
        assert loads_object_quickly(bytes(changed)) == strict
