"""Whatever a body holds, the parser gives a Hook or PayloadError, and nothing else."""

import copy
import json
from pathlib import Path
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.azure_devops.payloads import PARSERS, parse_hook
from bot.model import Hook
from bot.ports import PayloadError

HOOKS = get_args(Hook)
FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.json"))
BODIES: list[dict[str, Any]] = [json.loads(path.read_bytes()) for path in FIXTURES]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["refs/heads/x", "0001-01-01T00:00:00", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00Z"]
    )
)
KEYS = st.text(max_size=10) | st.sampled_from(
    ["id", "resource", "repository", "eventType", "fields", "newValue", "oldValue", "comment"]
)
JSON_VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(KEYS, v, max_size=5), max_leaves=15
)


def accept(raw: bytes) -> None:
    try:
        hook = parse_hook(raw, "acme")
    except PayloadError as error:
        assert str(error)
        assert len(str(error)) < 400
    else:
        assert isinstance(hook, HOOKS)


@given(st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    accept(raw)


@given(st.dictionaries(KEYS, JSON_VALUES, max_size=6), st.sampled_from(sorted(PARSERS)))
def test_any_object_of_a_used_kind(body: dict[str, Any], kind: str) -> None:
    accept(json.dumps({**body, "eventType": kind}).encode())


@given(JSON_VALUES, st.sampled_from(sorted(PARSERS)))
def test_any_resource_of_a_used_kind(resource: object, kind: str) -> None:
    body = {"eventType": kind, "createdDate": "2026-11-20T08:15:30Z", "resource": resource}
    accept(json.dumps(body).encode())


def places(value: object) -> list[tuple[Any, Any]]:
    """(container, key) of every value of a document."""
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]  # lists and dicts only
    for key, member in pairs:
        found.append((value, key))
        if isinstance(member, dict | list):
            found += places(member)
    return found


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_real_shapes_with_values_replaced_or_removed(data: st.DataObject) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from(BODIES)))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(body) or [(body, "eventType")]))
        if isinstance(container, dict) and data.draw(st.booleans()):
            container.pop(key, None)
        elif isinstance(container, dict) or key < len(container):
            container[key] = data.draw(JSON_VALUES)
    accept(json.dumps(body).encode())


@settings(max_examples=30)
@given(st.sampled_from(BODIES), st.data())
def test_real_bodies_cut_short(body: dict[str, Any], data: st.DataObject) -> None:
    raw = json.dumps(body).encode()
    accept(raw[: data.draw(st.integers(0, len(raw)))])
