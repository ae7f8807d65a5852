"""Who is mentioned and not known yet is asked for once, and a failure holds nothing up."""

from bot.mentioned import learn_mentioned
from bot.model import Comment, Identity
from storage.tables import IdentityRow
from tests.bot.workflows.conftest import CONNECTION, NOW, World, world

__all__ = ["world"]


def comment(world: World, *ids: str) -> Comment:
    said = " ".join(f"@<{each}>" for each in ids)
    return Comment(1, 1, Identity(world.maya_there.id, "Maya Sample"), f"{said} look", NOW)


def asked(world: World) -> int:
    return sum("identities" in call for call in world.calls())


async def test_who_is_not_known_is_asked_for_once_and_matched(world: World) -> None:
    said = comment(world, world.jonas_there.id.upper(), "0" * 8 + "-0000-0000-0000-" + "0" * 12)
    await learn_mentioned(world.services, CONNECTION, said)
    row = await world.read(lambda s: s.get(IdentityRow, (CONNECTION, world.jonas_there.id)))
    assert row is not None
    assert (row.display_name, row.person_id) == ("Jonas Sample", world.jonas.id)
    before = asked(world)
    assert before > 0
    await learn_mentioned(world.services, CONNECTION, comment(world, world.jonas_there.id))
    await learn_mentioned(world.services, CONNECTION, comment(world))
    assert asked(world) == before


async def test_without_an_answer_the_comment_is_told_all_the_same(world: World) -> None:
    await world.sandbox.take_down()
    await learn_mentioned(world.services, CONNECTION, comment(world, world.jonas_there.id))
    row = await world.read(lambda s: s.get(IdentityRow, (CONNECTION, world.jonas_there.id)))
    assert row is None
