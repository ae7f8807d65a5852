"""Hooks as they should be and as they are."""

from dataclasses import replace

import pytest

from bot.connections.conventions import Conventions
from bot.hooks.compare import Fault, compare, own_hooks
from bot.hooks.model import HookStatus, HookSubscription
from bot.hooks.wanted import wanted_hooks

URL = "https://pullcord.example.com/webhooks/ado/contoso"
PROJECT = "6ce954b1-0000-4000-8000-000000000001"
WANTED = wanted_hooks([(PROJECT, "Shop")], Conventions())
RIGHT = tuple(
    HookSubscription(
        id=f"{number}",
        event_type=each.event_type,
        resource_version=each.resource_version,
        inputs=each.inputs,
        url=URL,
        status=HookStatus.ENABLED,
        is_signed=True,
        sends_all=True,
    )
    for number, each in enumerate(WANTED)
)


def test_what_is_right_has_no_difference() -> None:
    assert compare(WANTED, RIGHT, url=URL).is_right


def test_a_project_guid_is_the_same_in_any_case_and_an_address_with_its_port() -> None:
    there = tuple(
        replace(
            each,
            inputs={**each.inputs, "projectId": PROJECT.upper()},
            url="https://PULLCORD.example.com:443/webhooks/ado/contoso/",
        )
        for each in RIGHT
    )
    assert compare(WANTED, there, url=URL).is_right


@pytest.mark.parametrize(
    ("change", "fault", "word"),
    [
        ({"status": HookStatus.ON_PROBATION}, Fault.ON_PROBATION, "probation"),
        ({"status": HookStatus.DISABLED_BY_USER}, Fault.SWITCHED_OFF, "by hand"),
        ({"status": HookStatus.DISABLED_BY_SYSTEM}, Fault.DISABLED, "by Azure DevOps"),
        ({"status": HookStatus.DISABLED_BY_INACTIVE_IDENTITY}, Fault.DISABLED, "account"),
        ({"url": "https://old.example.com/webhooks/ado/contoso"}, Fault.CHANGED, "address"),
        ({"resource_version": "2.0"}, Fault.CHANGED, "2.0 instead of 1.0"),
        ({"resource_version": ""}, Fault.CHANGED, "the latest"),
        ({"sends_all": False}, Fault.CHANGED, "resource details"),
        ({"is_signed": False}, Fault.CHANGED, "no secret"),
    ],
    ids=str,
)
def test_each_fault_is_named(change: dict[str, object], fault: Fault, word: str) -> None:
    there = (replace(RIGHT[0], **change), *RIGHT[1:])  # type: ignore[arg-type]  # of any field
    (difference,) = compare(WANTED, there, url=URL).differences
    assert (difference.fault, difference.wanted) == (fault, WANTED[0])
    assert word in difference.says


def test_a_filter_that_leaves_events_out_is_a_fault_and_other_inputs_are_not() -> None:
    narrowed = replace(RIGHT[0], inputs={**RIGHT[0].inputs, "branch": "main"})
    (difference,) = compare(WANTED, (narrowed, *RIGHT[1:]), url=URL).differences
    assert difference.says == "was changed by hand: it is limited by branch"


def test_of_two_alike_the_better_one_is_kept() -> None:
    worse = replace(RIGHT[0], id="worse", is_signed=False)
    found = compare(WANTED, (worse, *RIGHT), url=URL)
    assert found.differences == ()
    assert [hook.id for hook in found.surplus] == ["worse"]


def test_only_hooks_that_are_known_or_point_to_us_are_ours() -> None:
    other = replace(RIGHT[0], id="other", url="https://pullcord.example.com/webhooks/ado/fabrikam")
    moved = replace(RIGHT[0], id="moved", url="https://old.example.com/x")
    broken = replace(RIGHT[0], id="broken", url="http://[")
    found = own_hooks((*RIGHT, other, moved, broken), url=URL, known={"moved"})
    assert [hook.id for hook in found] == [*(hook.id for hook in RIGHT), "moved"]
    assert own_hooks(RIGHT, url="", known=()) == ()


def test_services_that_are_off_need_no_hooks() -> None:
    only_code = wanted_hooks([(PROJECT, "Shop")], Conventions(tickets=False, builds=False))
    assert {each.event_type.split(".")[0] for each in only_code} == {"git", "ms"}
