"""The main filters: one world, a channel for each filter, and which pull requests come there."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio

from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.teams import Conversation
from tests.end_to_end.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")

USUAL = {"maya", "jonas", "priya", "draft"}
"""What comes without a filter; the draft when it is published, nothing of machines."""

ROWS: dict[str, tuple[str, set[str]]] = {
    "nothing": ("", USUAL),
    "target": ("target release/*", {"jonas"}),
    "not a target": ("target !main", {"jonas"}),
    "a part of a target's name": ("target mai", set()),
    "source": ("source feature/part-1, feature/part-3", {"maya", "priya"}),
    "not a source": ("source !feature/part-1", USUAL - {"maya"}),
    "author": ("author Maya Sample", {"maya", "draft"}),
    "not an author": ("author !maya@example.com", {"jonas", "priya"}),
    "author group": ("author Web Team", {"jonas", "priya"}),
    "reviewer": ("reviewer Priya Sample", {"jonas"}),
    "reviewer group": ("reviewer Web Team", {"jonas", "priya"}),
    "bots": ("bots", USUAL | {"bot"}),
    "bots alone": ("author bots", {"bot"}),
    "label": ("label urgent", {"priya"}),
    "path": ("path src/**", {"priya"}),
    "title": ("title pay", {"maya"}),
    "size": ("min 3 files", {"priya"}),
    "drafts silent": ("drafts silent", USUAL - {"draft"}),
    "drafts announce": ("drafts announce", USUAL),
    "all at once": ("target main author !Maya Sample label urgent min 2 files", {"priya"}),
}


@dataclass(frozen=True)
class World:
    """The channels by filter, what was opened, and who saw the draft before it was published."""

    scene: Scene
    channels: Mapping[str, Conversation]
    opened: Mapping[str, SandboxPullRequest]
    saw_draft: frozenset[str]

    def came(self, row: str) -> set[str]:
        where = self.channels[row]
        return {name for name, made in self.opened.items() if self.scene.cards(made, where)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(shared: Scene) -> World:
    scene, azure = shared, shared.azure
    maya, jonas, priya = (each.azure_devops for each in (scene.maya, scene.jonas, scene.priya))
    await scene.says(scene.priya, "unsubscribe Shop/web")
    group = azure.add_person("[Shop]\\Web Team", "", is_group=True, members=[jonas, priya])
    robot = azure.add_person("dependabot[bot]", "dependabot@example.com")
    await azure.create_branch(scene.stage.repository, "release/1.0", maya)
    team = scene.channel.team
    assert team is not None
    channels = {row: scene.teams.add_channel(team, row) for row in ROWS}
    for row, (words, _) in ROWS.items():
        await scene.teams.say(scene.priya.teams, channels[row], f"subscribe Shop/web {words}")
    await scene.stage.settle()
    made = {"maya": await scene.opens(scene.maya, "Pay later", settle=False)}
    made["jonas"] = await scene.opens(
        scene.jonas, "Search", target="release/1.0", reviewers=[priya], settle=False
    )
    files = {"src/a.py": "a\n", "src/b.py": "b\n", "c.txt": "c\n"}
    made["priya"] = await scene.opens(
        scene.priya, "Cart", files=files, reviewers=[group], labels=["urgent"], settle=False
    )
    made["draft"] = await scene.opens(scene.maya, "Later", draft=True, settle=False)
    await azure.commit(scene.stage.repository, "bump/one", {"bump.txt": "1\n"}, robot, "Bump")
    made["bot"] = await azure.create_pull_request(
        scene.stage.repository, robot, "bump/one", title="Bump one"
    )
    await scene.stage.settle()
    before = {row for row in ROWS if scene.cards(made["draft"], channels[row])}
    await azure.publish(made["draft"], maya)
    await scene.sweeps()
    return World(scene, channels, made, frozenset(before))


@pytest.mark.parametrize("row", ROWS)
async def test_only_what_passes_the_filter_comes(world: World, row: str) -> None:
    assert world.came(row) == ROWS[row][1]


async def test_a_draft_comes_when_it_is_published_and_before_where_it_is_announced(
    world: World,
) -> None:
    assert world.saw_draft == {"drafts announce"}
