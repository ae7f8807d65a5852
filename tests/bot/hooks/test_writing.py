"""Making, mending and rotating hooks, and which webhook secrets are valid meanwhile."""

import pytest

from bot.hooks.writing import RETRY_WINDOW, SECRET_KNOWN_AFTER_S, Place, Plan, to_install
from bot.ports import Forbidden
from storage.queries import connections
from tests.bot.hooks.feeding import ALL, URL, Feeding
from tests.bot.workflows.conftest import CONNECTION, World


def secrets(feeding: Feeding) -> set[str]:
    """Every password that a hook in Azure DevOps sends."""
    inputs = [one.consumer_inputs for one in feeding.sandbox.hooks.subscriptions.values()]
    return {each["basicAuthPassword"] for each in inputs}


async def admits(feeding: Feeding, secret: str) -> bool:
    door = await feeding.world.read(lambda s: connections.door(s, CONNECTION))
    return door is not None and door.admits(secret)


async def test_one_hook_is_made_per_kind_with_a_secret_that_the_door_knows(
    feeding: Feeding,
) -> None:
    made = feeding.sandbox.hooks.subscriptions.values()
    assert len(made) == ALL
    kinds = {one.publisher_inputs.get("notificationType", "") for one in made}
    assert len(kinds) == 5  # none, and four kinds of update
    assert {one.consumer_inputs["url"] for one in made} == {URL}
    assert {one.resource_version for one in made} == {"1.0", "2.0", "1.0-preview.1"}
    (secret,) = secrets(feeding)
    assert await admits(feeding, secret)
    assert {row.secret_tag for row in await feeding.rows()} != {""}


async def test_making_them_again_changes_nothing(feeding: Feeding) -> None:
    before = await feeding.connection()
    feeding.sandbox.calls.clear()
    assert await feeding.install() == 0
    assert {call.method for call in feeding.sandbox.calls} == {"GET"}
    assert (await feeding.connection()).secret_hash == before.secret_hash


async def test_only_what_is_wrong_is_written_and_a_double_is_removed(feeding: Feeding) -> None:
    feeding.hook("git.push").publisher_inputs["repository"] = "some"
    double = feeding.sandbox.add_hook(URL, "git.repo.renamed", project=feeding.world.project)
    del feeding.sandbox.hooks.subscriptions[feeding.hook("build.complete").id]
    assert await feeding.install() == 3
    assert double.id not in feeding.sandbox.hooks.subscriptions
    assert feeding.hook("git.push").publisher_inputs.get("repository", "") == ""
    assert (await feeding.compared()).is_right


async def test_hooks_of_others_are_not_touched(feeding: Feeding) -> None:
    elsewhere = feeding.sandbox.add_hook(
        "https://ci.example.com/webhooks/ado/contoso", "git.push", project=feeding.world.project
    )
    assert await feeding.install(everything=True) == ALL
    assert elsewhere.id in feeding.sandbox.hooks.subscriptions
    assert elsewhere.consumer_inputs.get("basicAuthPassword") is None


async def test_the_former_secret_is_valid_until_all_hooks_are_changed_and_a_little_longer(
    feeding: Feeding,
) -> None:
    """CHECKS 18: during a rotation both secrets open the door."""
    (former,) = secrets(feeding)
    assert await feeding.install(everything=True) == ALL
    (new,) = secrets(feeding)
    assert new != former
    assert await admits(feeding, former)
    await feeding.watch.look(CONNECTION)
    assert await admits(feeding, former)
    feeding.world.clock.advance(seconds=RETRY_WINDOW.total_seconds())
    await feeding.watch.look(CONNECTION)
    assert not await admits(feeding, former)
    assert await admits(feeding, new)


async def test_a_rotation_that_failed_half_way_keeps_every_secret_that_a_hook_sends(
    feeding: Feeding,
) -> None:
    fault = feeding.sandbox.faults.add("PUT", f"{feeding.hook('build.complete').id}", status=403)
    with pytest.raises(Forbidden):
        await feeding.install(everything=True)
    feeding.world.clock.advance(hours=1)
    await feeding.watch.look(CONNECTION)
    sent = secrets(feeding)
    assert fault.hits and len(sent) == 2
    assert all([await admits(feeding, each) for each in sent])
    feeding.sandbox.faults.clear()
    await feeding.install(everything=True)
    feeding.world.clock.advance(hours=1)
    await feeding.watch.look(CONNECTION)
    (only,) = secrets(feeding)
    assert await admits(feeding, only)
    assert not any([await admits(feeding, each) for each in sent])


async def test_without_the_right_nothing_changes_not_even_the_secret(world: World) -> None:
    made = Feeding(world)
    await world.db.write(lambda s: connections.set_webhook_secret(s, CONNECTION, "s" * 24))
    world.sandbox.access.deny_hooks(world.bot_there, world.project)
    with pytest.raises(Forbidden):
        await made.install()
    after = await made.connection()
    assert await admits(made, "s" * 24)
    assert after.old_secret_hash == ""
    assert world.sandbox.hooks.subscriptions == {}


async def test_a_running_bot_is_given_time_to_hear_of_the_secret_first(world: World) -> None:
    made = Feeding(world)
    await made.install()
    assert world.slept == [SECRET_KNOWN_AFTER_S]
    await made.writer().carry_out(made.place, Plan(()))
    assert world.slept == [SECRET_KNOWN_AFTER_S]


async def test_an_http_address_gets_the_secret_as_a_header(world: World) -> None:
    """CHECKS 18: Azure DevOps sends passwords to https addresses only."""
    made = Feeding(world)
    world.sandbox.hooks.basic_auth_needs_https = True
    url = URL.replace("https", "http")
    plan = to_install(await made.compared())
    await made.writer().carry_out(Place(CONNECTION, url, world.client), plan)
    headers = {
        one.consumer_inputs["httpHeaders"] for one in world.sandbox.hooks.subscriptions.values()
    }
    (header,) = headers
    assert await admits(made, header.removeprefix("X-ADO-Signature:"))
