"""Who may do what: settings, conversations, and Azure DevOps' own groups (CHECKS 24)."""

from datetime import timedelta

import pytest

from bot.held_roles import Sources, held_role
from bot.people import Standing
from bot.project_role_reads import read_all
from bot.project_roles import ProjectStanding, project_standing
from bot.roles import Role, RoleRules
from tests.bot.talking import CONNECTION, Talk

MEMBER = Standing.MEMBER


@pytest.mark.parametrize(
    ("sources", "rules", "role"),
    [
        (Sources(MEMBER), RoleRules(), Role.MEMBER),
        (Sources(MEMBER), RoleRules(everybody=Role.READER), Role.READER),
        (Sources(MEMBER, is_administrator=True, here=Role.NOBODY), RoleRules(), Role.ADMINISTRATOR),
        (Sources(MEMBER, "m@x", here=Role.READER), RoleRules(maintainers={"m@x"}), Role.READER),
        (
            Sources(MEMBER, "m@x", everybody_here=Role.READER),
            RoleRules(maintainers={"m@x"}),
            Role.MAINTAINER,
        ),
        (Sources(MEMBER, "r@x"), RoleRules(readers={"r@x"}), Role.READER),
        (Sources(MEMBER, everybody_here=Role.READER), RoleRules(), Role.READER),
        (Sources(MEMBER, project=ProjectStanding.ADMINISTRATOR), RoleRules(), Role.MAINTAINER),
        (Sources(MEMBER, project=ProjectStanding.READER), RoleRules(), Role.READER),
        (Sources(MEMBER, project=ProjectStanding.CONTRIBUTOR), RoleRules(), Role.MEMBER),
        (
            Sources(MEMBER, project=ProjectStanding.READER),
            RoleRules(from_projects=False),
            Role.MEMBER,
        ),
        (Sources(Standing.GUEST), RoleRules(), Role.NOBODY),
        (Sources(Standing.GUEST, is_administrator=True), RoleRules(), Role.NOBODY),
        (Sources(Standing.GUEST, everybody_here=Role.MEMBER), RoleRules(), Role.NOBODY),
        (
            Sources(Standing.GUEST, project=ProjectStanding.ADMINISTRATOR),
            RoleRules(),
            Role.NOBODY,
        ),
        (Sources(Standing.GUEST, here=Role.MAINTAINER), RoleRules(), Role.MEMBER),
        (Sources(Standing.NOT_A_MEMBER, is_administrator=True), RoleRules(), Role.NOBODY),
        (Sources(Standing.UNCONFIRMED, here=Role.MAINTAINER), RoleRules(), Role.NOBODY),
    ],
)
def test_the_role_that_counts(sources: Sources, rules: RoleRules, role: Role) -> None:
    assert held_role(sources, rules).role is role


@pytest.mark.parametrize(
    ("groups", "standing"),
    [
        (["[Shop]\\Readers"], ProjectStanding.READER),
        (["[Shop]\\Readers", "[SHOP]\\Contributors"], ProjectStanding.CONTRIBUTOR),
        (["[Shop]\\Project Administrators"], ProjectStanding.ADMINISTRATOR),
        (["[contoso]\\Project Collection Administrators"], ProjectStanding.ADMINISTRATOR),
        (["[Other]\\Project Administrators"], None),
        (["[Shop]\\Our own group"], None),
        (["Project Administrators", ""], None),
    ],
)
def test_groups_of_azure_devops_say_what_somebody_is(
    groups: list[str], standing: ProjectStanding | None
) -> None:
    assert project_standing(groups, ["Shop"]) is standing


async def test_a_reader_looks_and_is_refused_what_changes(talk: Talk) -> None:
    talk.rules(readers={"jonas@example.com"})
    assert "Nothing yet." in await talk.say("subscriptions", by=talk.jonas)
    said = await talk.say("subscribe Shop", by=talk.jonas)
    assert "“subscribe” needs the role member; your role here is reader." in said
    (refused,) = await talk.audit("command.refused")
    assert refused.actor == "Jonas Sample <jonas@example.com>"


async def test_help_shows_only_what_the_asker_may_do(talk: Talk) -> None:
    assert "start ticket" not in await talk.say("help", by=talk.guest)
    shown = await talk.say("help")
    assert "start ticket" in shown
    assert "confirm" not in shown
    assert "confirm" in await talk.say("help", by=talk.admin)
    assert "For administrators." in await talk.say("help confirm")


async def test_a_role_given_in_a_conversation_counts_there_only(talk: Talk) -> None:
    said = await talk.say("role everybody is reader", by=talk.admin, to=talk.channel)
    assert "Everybody: reader here" in said
    assert "your role here is reader" in await talk.say("subscribe Shop", to=talk.channel)
    assert "You now follow Shop" in await talk.say("subscribe Shop")
    (given,) = await talk.audit("role.given")
    assert given.actor == "Ada Sample <admin@example.com>"
    assert given.before == {"role": ""}
    assert given.after == {"role": "reader", "to": "everybody"}
    assert "the usual role" in await talk.say(
        "role everybody is default", by=talk.admin, to=talk.channel
    )
    assert "now follows Shop" in await talk.say("subscribe Shop", to=talk.channel)


async def test_a_maintainer_gives_roles_below_the_own_one(talk: Talk) -> None:
    here = talk.channel
    assert "needs the role maintainer" in await talk.say(
        "role jonas@example.com is reader", to=here
    )
    await talk.say("role maya@example.com is maintainer", by=talk.admin, to=here)
    assert "Jonas Sample: reader here" in await talk.say(
        "role Jonas@Example.com is reader", to=here
    )
    assert "below that one only" in await talk.say("role jonas@example.com is maintainer", to=here)
    assert "only an administrator" in await talk.say("role admin@example.com is reader", to=here)
    assert "Only an administrator" in await talk.say("role gus@example.org is reader", to=here)
    assert "Please ask Maya Sample or Ada Sample." in await talk.say(
        "subscribe Shop", by=talk.jonas, to=here
    )
    shown = await talk.say("roles", to=here)
    assert "Maya Sample" in shown
    assert "Your role here is **maintainer**, because it was given to you" in shown


async def test_an_administrator_lets_a_guest_in_by_name(talk: Talk) -> None:
    here = talk.channel
    await talk.say("role gus@example.org is member", by=talk.admin, to=here)
    assert "now follows Shop" in await talk.say("subscribe Shop", by=talk.guest, to=here)
    assert "needs the role" in await talk.say("subscribe Shop", by=talk.guest)
    assert "at most" in await talk.say("role gus@example.org is maintainer", by=talk.admin, to=here)


async def test_nobody_becomes_administrator_in_a_conversation(talk: Talk) -> None:
    said = await talk.say("role maya@example.com is administrator", by=talk.admin)
    assert "PULLCORD_ADMINISTRATORS" in said.replace("\\", "")
    assert await talk.audit("role.given") == []


async def test_who_reads_only_in_azure_devops_reads_only_here(talk: Talk) -> None:
    await talk.say("whoami")
    await talk.say("whoami", by=talk.jonas)
    contributors = talk.azure.add_person(
        "[Shop]\\Contributors", "", is_group=True, members=[talk.maya_there]
    )
    talk.azure.add_person(
        "[Shop]\\Readers", "", is_group=True, members=[talk.jonas_there, contributors]
    )
    assert await read_all(talk.services) == 2
    assert "your role here is reader" in await talk.say("subscribe Shop", by=talk.jonas)
    assert "You now follow Shop" in await talk.say("subscribe Shop")
    assert "because you can only read in the projects" in await talk.say("whoami", by=talk.jonas)


async def test_a_new_project_administrator_need_not_wait_for_the_next_hour(talk: Talk) -> None:
    await talk.say("whoami")
    await read_all(talk.services)
    assert "needs the role maintainer" in await talk.say("role everybody is reader")
    talk.azure.add_person(
        "[Shop]\\Project Administrators", "", is_group=True, members=[talk.maya_there]
    )
    talk.clock.now += timedelta(minutes=2)
    assert "Everybody: reader here" in await talk.say("role everybody is reader")
    assert "you administer a project" in await talk.say("roles")


async def test_an_outage_of_azure_devops_changes_nobodys_role(talk: Talk) -> None:
    await talk.say("whoami", by=talk.jonas)
    talk.azure.add_person("[Shop]\\Readers", "", is_group=True, members=[talk.jonas_there])
    await read_all(talk.services)
    talk.azure.faults.add(path="identities", status=500)
    await read_all(talk.services)
    assert "your role here is reader" in await talk.say("subscribe Shop", by=talk.jonas)


async def test_an_unlinked_person_has_the_usual_role_and_is_refused_what_needs_an_identity(
    talk: Talk,
) -> None:
    """CHECKS 24: somebody not linked."""
    stranger = talk.teams.add_person("Nora Sample", "nora@example.com")
    await talk.teams.install(stranger)
    await talk.settle()
    talk.heard()
    said = await talk.say("reviews", by=stranger)
    assert "I do not know which Azure DevOps identity you are" in said
    assert CONNECTION in said
