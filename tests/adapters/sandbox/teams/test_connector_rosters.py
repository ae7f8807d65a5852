"""Members and teams, as the connector lists them."""

from urllib.parse import quote

from adapters.sandbox.teams import TeamsSandbox
from tests.adapters.sandbox.teams.conftest import ConnectorClient, SampleBot


async def test_members_come_in_pages_of_at_least_fifty(
    sandbox: TeamsSandbox, bot: SampleBot, client: ConnectorClient
) -> None:
    for number in range(120):
        sandbox.add_person(f"Sample {number}", f"sample{number}@example.com")
    team = sandbox.add_team("Lighthouse")
    await sandbox.install(team)
    path = f"v3/conversations/{quote(team.id)}/pagedmembers?pageSize=7"

    names, token = [], ""
    sizes = []
    while True:
        _, page = await client.call("GET", f"{path}&continuationToken={token}" if token else path)
        sizes.append(len(page["members"]))
        names += [member["name"] for member in page["members"]]
        if not (token := page.get("continuationToken", "")):
            break

    assert sizes == [50, 50, 20]
    assert names == [person.display_name for person in team.members]
    assert (await client.call("GET", path + "&continuationToken=x"))[0] == 400


async def test_a_member_is_found_by_any_id_with_mail_upn_and_role(
    sandbox: TeamsSandbox, bot: SampleBot, client: ConnectorClient
) -> None:
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    guest = sandbox.add_person("Gus Guest", "gus@example.net", guest=True)
    team = sandbox.add_team("Lighthouse")
    outsider = sandbox.add_person("Olga Outside", "olga@example.com")
    await sandbox.install(team)
    path = f"v3/conversations/{quote(team.id)}/members"

    for key in (maya.id, maya.object_id, "MAYA@example.com"):
        status, account = await client.call("GET", f"{path}/{quote(key)}")
        assert (status, account["userPrincipalName"]) == (200, "maya@example.com")
        assert (account["aadObjectId"], account["userRole"]) == (maya.object_id, "user")
    _, account = await client.call("GET", f"{path}/{quote(guest.id)}")
    assert (account["userRole"], account["email"]) == ("guest", "gus@example.net")
    assert "#EXT#" in account["userPrincipalName"]
    status, body = await client.call("GET", f"{path}/{quote(outsider.id)}")
    assert (status, body["error"]["code"]) == (404, "MemberNotFoundInConversation")
    _, everybody = await client.call("GET", path)
    assert [member["id"] for member in everybody] == [maya.id, guest.id]


async def test_a_team_tells_its_group_and_channels(
    sandbox: TeamsSandbox, bot: SampleBot, client: ConnectorClient
) -> None:
    sandbox.add_person("Maya Sample", "maya@example.com")
    team = sandbox.add_team("Lighthouse")
    reviews = sandbox.add_channel(team, "Reviews")
    path = f"v3/teams/{quote(team.id)}"
    assert (await client.call("GET", path))[0] == 403

    await sandbox.install(team)
    _, details = await client.call("GET", path)
    _, channels = await client.call("GET", path + "/conversations")

    assert (details["name"], details["aadGroupId"]) == ("Lighthouse", team.group_id)
    assert (details["channelCount"], details["memberCount"]) == (2, 1)
    assert [(c["id"], c["name"]) for c in channels["conversations"]] == [
        (team.id, None),
        (reviews.id, "Reviews"),
    ]
    assert (await client.call("GET", "v3/teams/19:nowhere"))[0] == 404
