"""Many webhooks about one pull request that wait together are told by few reads of it."""

import asyncio
from collections import Counter

from tests.end_to_end.scene import Scene

MANY = 80


async def test_what_waited_before_a_read_began_is_not_read_again(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Pay later")
    await scene.stage.settle()
    body = scene.hook_bodies("git.pullrequest.created")[-1]
    gate = asyncio.Event()
    path = f"pullrequests/{pull_request.id}$"
    fault = scene.azure.faults.add("GET", path, delay=gate, times=1)
    assert await scene.sends_hook({**body, "notificationId": 1000}) == 202
    await fault.struck.wait()
    scene.azure.calls.clear()
    statuses = await asyncio.gather(
        *(scene.sends_hook({**body, "notificationId": 1001 + number}) for number in range(MANY))
    )
    assert set(statuses) == {202}
    while Counter(row.claimed_at is not None for row in await scene.inbox())[False]:
        await asyncio.sleep(0)
    gate.set()
    await scene.stage.settle()

    reads = [call for call in scene.azure.calls if call.path.lower().endswith(path[:-1])]
    assert len(reads) <= 3  # the one held up, one for all that came meanwhile, one to be sure
    assert {row.state for row in await scene.inbox()} == {"done"}
