"""Pull requests that stand in each other's way, completed one after the other."""

import pytest

from tests.end_to_end.conflict_accounts import (
    Account,
    account,
    alert_text,
    ended,
    episodes,
    moves_on,
    told,
)
from tests.end_to_end.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_three_that_conflict_in_a_chain_are_told_one_after_the_other(
    shared: Scene,
) -> None:
    """The first is in the second's way, the second in the third's."""
    shared.azure.organization.remerge_on_target_push = False
    await moves_on(shared)
    azure, repository = shared.azure, shared.stage.repository
    people = (shared.maya, shared.jonas, shared.priya)
    changes = (
        {"checkout.py": "one\n"},
        {"checkout.py": "two\n", "README.md": "two\n"},
        {"README.md": "three\n"},
    )
    made = []
    for number, (who, files) in enumerate(zip(people, changes, strict=True)):
        await azure.commit(repository, f"link-{number}", files, who.azure_devops, "Link")
        made.append(
            await azure.create_pull_request(
                repository, who.azure_devops, f"link-{number}", title=f"Link {number}"
            )
        )
    await shared.stage.settle()

    async def accounts() -> list[Account]:
        return [await account(shared, one, who) for one, who in zip(made, people, strict=True)]

    async def merged_in(number: int, path: str) -> None:
        await azure.merge_branch(
            repository,
            f"link-{number}",
            "main",
            people[number].azure_devops,
            resolved={path: "both\n"},
        )
        await shared.stage.settle()

    async def completed(number: int) -> None:
        await azure.complete(made[number], people[number].azure_devops)
        await shared.stage.settle()

    def by(number: int) -> Account:
        who = people[number].name
        return ended("source", f", by {who}'s push to link-{number}")

    assert await accounts() == [Account()] * 3
    await completed(0)
    done = Account(card="completed")
    assert await accounts() == [done, told("main"), Account()]
    assert f"Maya Sample  #{made[0].id}" in alert_text(shared, made[1])

    await merged_in(1, "checkout.py")
    assert await accounts() == [done, by(1), Account()]
    await completed(1)
    assert [a.episodes for a in await accounts()] == [(), ("source",), ("open",)]
    assert (await accounts())[2] == told("main")
    assert f"Jonas Sample  #{made[1].id}" in alert_text(shared, made[2])

    await merged_in(2, "README.md")
    assert (await accounts())[2] == by(2)
    await completed(2)
    assert [a.card for a in await accounts()] == ["completed"] * 3
    assert [len(await episodes(shared, one)) for one in made] == [0, 1, 1]


async def test_an_open_conflict_is_not_told_again_when_more_comes_to_the_target(
    shared: Scene,
) -> None:
    """Three change the same file: the last one's episode outlives both completions."""
    shared.azure.organization.remerge_on_target_push = False
    await moves_on(shared)
    azure, repository = shared.azure, shared.stage.repository
    people = (shared.priya, shared.jonas, shared.maya)
    made = []
    for number, who in enumerate(people):
        files = {"checkout.py": f"{number}\n"}
        await azure.commit(repository, f"same-{number}", files, who.azure_devops, "Same")
        made.append(
            await azure.create_pull_request(
                repository, who.azure_devops, f"same-{number}", title=f"Same {number}"
            )
        )
    await shared.stage.settle()
    await azure.complete(made[0], people[0].azure_devops)
    await shared.stage.settle()
    assert [await account(shared, made[n], people[n]) for n in (1, 2)] == [told("main")] * 2

    await azure.force_push(
        repository, "same-1", {"checkout.py": "1\n"}, people[1].azure_devops, "Again", onto="main"
    )
    await shared.stage.settle()
    assert (await account(shared, made[1], people[1])).episodes == ("source",)
    await azure.complete(made[1], people[1].azure_devops)
    await shared.stage.settle()
    assert await account(shared, made[2], people[2]) == told("main")
    assert made[1].status == "completed"
