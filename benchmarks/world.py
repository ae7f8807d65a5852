"""The world around ``pullcord serve``, in a process of its own: Azure DevOps and a database.

``python -m benchmarks.world FOLDER SERVICE_URL REPOSITORIES`` starts Azure DevOps' sandbox with
so many repositories, and prints the settings for ``serve`` and the webhook secret as JSON. For
each line of input, a number, it opens so many pull requests and prints what webhooks must say of
them. Each repository has a channel that subscribes to it; cards go to the Bot Connector at
SERVICE_URL.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from adapters.sandbox.azure_devops.projects import SandboxRepository
from benchmarks.bodies import Target
from benchmarks.processes import Child
from bot.ports import utc_now
from bot.teams_model import Conversation, ConversationKind
from storage import schema
from storage.engine import Database
from storage.queries import connections, conversations, subscriptions
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox, new_key, new_webhook_secret
from storage.tables import Connection

CONNECTION = "contoso"
PROJECT = "Shop"
TENANT = "5a3c1d2e-0000-4000-8000-00000000d3b0"
APP_ID = "7e1f0a2b-0000-4000-8000-00000000b07a"


def settings(folder: Path, service_url: str, key: str) -> dict[str, str]:
    """What ``serve`` is told by its environment."""
    return {
        "PULLCORD_DATABASE_URL": f"sqlite:///{folder / 'pullcord.db'}",
        "PULLCORD_SECRET_KEY": key,
        "PULLCORD_TEAMS_APP_ID": APP_ID,
        "PULLCORD_TEAMS_APP_PASSWORD": "sample",
        "PULLCORD_TEAMS_TENANT_ID": TENANT,
        "PULLCORD_TEAMS_SERVICE_HOSTS": "127.0.0.1",
        "PULLCORD_TEAMS_LOGIN_URL": service_url,
        "PULLCORD_TEAMS_SENDS_PER_SECOND": "50",
    }


def channel(number: int, service_url: str) -> Conversation:
    """One of the channels."""
    return Conversation(
        id=f"19:channel{number:05d}@thread.tacv2",
        kind=ConversationKind.CHANNEL,
        service_url=service_url,
        tenant_id=TENANT,
        name=f"Channel {number}",
        team_id="19:team@thread.tacv2",
        team_name="Shop",
        channel_id=f"19:channel{number:05d}@thread.tacv2",
    )


def opened(world: Child, count: int) -> list[Target]:
    """Let that process open pull requests."""
    return [Target(**each) for each in world.ask(count)["targets"]]


async def prepare(
    folder: Path, sandbox: AzureDevOpsSandbox, service_url: str, repositories: int
) -> dict[str, Any]:
    """Make the database with the connection, the channels and their subscriptions."""
    key, secret = new_key(), new_webhook_secret()
    told = settings(folder, service_url, key)
    url = told["PULLCORD_DATABASE_URL"]
    await asyncio.to_thread(schema.upgrade, url)
    token = sandbox.issue_pat(sandbox.add_person("Pullcord Service", "pullcord@example.com"))
    now = utc_now() - timedelta(hours=1)  # what was before it subscribed is not told
    connection = Connection(
        name=CONNECTION, base_url=sandbox.base_url, projects=[PROJECT], created_at=now
    )
    async with Database.open(url) as db:
        await db.write(lambda s: connections.save(s, connection))
        await db.write(lambda s: connections.set_webhook_secret(s, CONNECTION, secret))
        await db.write(
            lambda s: connections.add_credential(
                s, CONNECTION, NewCredential("pat", token), SecretBox((key,)), now=now
            )
        )
        for number in range(repositories):
            place = channel(number, service_url)
            await db.write(partial(conversations.upsert, told=place, now=now))
            await db.write(
                partial(
                    subscriptions.add,
                    conversation_id=place.id,
                    connection=CONNECTION,
                    project=PROJECT,
                    repository=f"repository{number}",
                    now=now,
                )
            )
    return {"settings": told, "secret": secret}


async def open_pull_requests(
    sandbox: AzureDevOpsSandbox, repositories: Sequence[SandboxRepository], count: int
) -> list[Target]:
    """Open pull requests, spread evenly."""
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    targets = []
    for number in range(count):
        repository = repositories[number % len(repositories)]
        branch = f"topic/{number}"
        title = f"Event {number} of the benchmark"
        await sandbox.commit(repository, branch, {f"{number}.txt": "b\n"}, maya, title)
        opened = await sandbox.create_pull_request(repository, maya, branch, title=title)
        targets.append(
            Target(
                number=opened.id,
                title=title,
                repository_id=repository.id,
                repository_name=repository.name,
                project_id=repository.project.id,
                project_name=PROJECT,
                author={
                    "id": maya.id,
                    "displayName": maya.display_name,
                    "uniqueName": maya.unique_name,
                },
                source_ref=f"refs/heads/{branch}",
                target_ref="refs/heads/main",
            )
        )
    await sandbox.settled()
    return targets


async def run(folder: Path, service_url: str, repositories: int) -> None:
    """Until input ends or the process is ended."""
    sandbox = AzureDevOpsSandbox(folder / "git", organization=CONNECTION)
    await sandbox.start()
    try:
        project = sandbox.add_project(PROJECT)
        made = [
            await sandbox.add_repository(project, f"repository{number}", files={"a.txt": "a\n"})
            for number in range(repositories)
        ]
        said = await prepare(folder, sandbox, service_url, repositories)
        print(json.dumps(said), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            targets = await open_pull_requests(sandbox, made, int(line))
            print(json.dumps({"targets": [asdict(target) for target in targets]}), flush=True)
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
