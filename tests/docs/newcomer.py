"""Somebody new follows the README from "Connect your organisation" to the first card.

The lines are taken out of the README and typed as they stand there. Only what a reader replaces,
too, is replaced: addresses, the token, the ids of the bot. Azure DevOps and Teams are the sandbox.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import click

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from adapters.sandbox.teams import Conversation, TeamsSandbox, render_text
from bot.settings import Settings
from tests.docs.documents import code_lines_between
from tests.docs.generated import README
from tests.end_to_end.waiting import eventually

BEGIN, END = "## Connect your organisation and your Teams", "## What people can say"
INSTEAD = "--client-id"
"""Of the two ways to sign in the README shows both; the token is taken."""
SERVE = "pullcord serve"
APP_ID, TENANT = "7e1f0a2b-0000-4000-8000-00000000b07a", "5a3c1d2e-0000-4000-8000-00000000d3b0"
PASSWORD = "sample-password-of-the-sandbox"
WITHIN_S = 60.0


def lines_of_the_readme() -> list[str]:
    """What a reader types, in order."""
    lines = code_lines_between(README, BEGIN, END)
    return [" ".join(line.split()) for line in lines if line.strip() and INSTEAD not in line]


@dataclass(frozen=True, slots=True)
class Done:
    """One typed line, how it ended, what it printed, and how long it took."""

    line: str
    code: int
    output: str
    seconds: float


class Terminal(Protocol):
    """Where lines are typed; variables that are exported stay."""

    async def type(self, line: str) -> tuple[int, str]:
        """The exit code, and what was printed."""

    async def serve(self, url: str) -> None:
        """Type ``pullcord serve``; returns when it is ready."""


@dataclass
class Newcomer:
    """A person with an organisation, a tenant and an empty folder."""

    folder: Path
    port: int
    azure: AzureDevOpsSandbox = field(init=False)
    teams: TeamsSandbox = field(init=False)

    async def start(self) -> None:
        """Both outside sides, with a project, a team and the newcomer in them."""
        self.azure = AzureDevOpsSandbox(self.folder / "git", organization="contoso")
        await self.azure.start()
        self.repository = await self.azure.add_repository(
            self.azure.add_project("Shop"), "web", files={"a.txt": "a\n"}
        )
        self.maya = self.azure.add_person("Maya Sample", "maya@example.com")
        self.teams = TeamsSandbox(app_id=APP_ID, app_password=PASSWORD, tenant_id=TENANT)
        await self.teams.start()
        self.teams_maya = self.teams.add_person("Maya Sample", "maya@example.com")
        self.team = self.teams.add_team("Shop", [self.teams_maya])
        self.channel = self.teams.add_channel(self.team, "Web")

    async def stop(self) -> None:
        await self.teams.stop()
        await self.azure.stop()

    @property
    def url(self) -> str:
        """Where the bot is; in life a proxy that ends https."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def surroundings(self) -> Mapping[str, str]:
        """What makes the sandbox Microsoft's: nothing that a reader would set."""
        return {
            "PULLCORD_PORT": str(self.port),
            "PULLCORD_TEAMS_SERVICE_HOSTS": "127.0.0.1",
            "PULLCORD_TEAMS_OPENID_METADATA_URL": self.teams.openid_metadata_url,
            "PULLCORD_TEAMS_TOKEN_ISSUER": self.teams.token_issuer,
            "PULLCORD_TEAMS_LOGIN_URL": self.teams.login_url,
        }

    def own_values(self) -> Mapping[str, str]:
        """What a reader replaces."""
        service = self.azure.add_person("Pullcord Service", "pullcord@example.com")
        return {
            "https://pullcord.example.com": self.url,
            "https://dev.azure.com/contoso": self.azure.base_url,
            "AZURE_DEVOPS_PAT=…": f"AZURE_DEVOPS_PAT={self.azure.issue_pat(service)}",
            "PULLCORD_ADMINISTRATORS=you@contoso.com": "PULLCORD_ADMINISTRATORS=maya@example.com",
            "PULLCORD_TEAMS_APP_ID=…": f"PULLCORD_TEAMS_APP_ID={APP_ID}",
            "PULLCORD_TEAMS_APP_PASSWORD=…": f"PULLCORD_TEAMS_APP_PASSWORD={PASSWORD}",
            "PULLCORD_TEAMS_TENANT_ID=…": f"PULLCORD_TEAMS_TENANT_ID={TENANT}",
        }

    async def follow_the_readme(self, terminal: Terminal) -> list[Done]:
        """Type every line; ends after the first that fails."""
        values, done = self.own_values(), list[Done]()
        for shown in lines_of_the_readme():
            line = shown
            for theirs, own in values.items():
                line = line.replace(theirs, own)
            assert "…" not in line, f"the newcomer has nothing to put into {shown!r}"
            begin = time.perf_counter()
            if shown == SERVE:
                await terminal.serve(self.url)
                code, output = 0, ""
            else:
                code, output = await terminal.type(line)
            done.append(Done(shown, code, output, time.perf_counter() - begin))
            if code:
                break
        return done

    async def first_card(self) -> str:
        """Add the app, say in the channel what the README says at its end, open a pull request."""
        await self.teams.connect(f"{self.url}/api/messages")
        await self.teams.install(self.team, by=self.teams_maya)
        await self.teams.say(self.teams_maya, self.channel, "subscribe Shop")
        await said_in(self.channel, "now follows Shop")
        await self.azure.commit(
            self.repository, "feature/first", {"b.txt": "b\n"}, self.maya, "Work"
        )
        await self.azure.create_pull_request(
            self.repository, self.maya, "feature/first", title="The first one"
        )
        return await said_in(self.channel, "The first one")


async def said_in(channel: Conversation, words: str) -> str:
    """Wait until the bot has said that."""

    def texts() -> list[str]:
        return [render_text(m) for m in channel.all_messages() if m.from_bot]

    def is_said() -> bool:
        return any(words in text for text in texts())

    await eventually(is_said, within_s=WITHIN_S, why_not=lambda: "\n".join(texts()))
    return next(text for text in texts() if words in text)


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment as it is on a machine where nothing was set up."""
    ours = {f"PULLCORD_{name.upper()}" for name in Settings.model_fields}
    return {name: value for name, value in environment.items() if name not in ours}


class Shell:
    """A real bash, with ``pullcord`` on its path."""

    def __init__(self, folder: Path, programs: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._log = folder, folder / "serve.log"
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self._environment = without_settings(os.environ) | dict(environment) | {"PATH": path}
        self._process: asyncio.subprocess.Process | None = None

    async def type(self, line: str) -> tuple[int, str]:
        output = self._folder / "output.txt"
        code = await self._ask(f"{line} >{output} 2>&1" if "export" not in line else line)
        return code, output.read_text("utf-8") if output.exists() else ""

    async def serve(self, url: str) -> None:
        await self._ask(f"{SERVE} >{self._log} 2>&1 & true")
        await eventually(
            lambda: "Pullcord listens" in self._log.read_text("utf-8"),
            within_s=WITHIN_S,
            why_not=lambda: self._log.read_text("utf-8"),
        )

    async def close(self) -> None:
        """End what was started, the bot too."""
        if self._process is not None:
            await self._ask("kill $(jobs -p) 2>/dev/null; wait")
            assert self._process.stdin
            self._process.stdin.close()
            await self._process.wait()

    async def _ask(self, line: str) -> int:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                "bash",
                cwd=self._folder,
                env=self._environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{line}\necho $?\n".encode())
        await self._process.stdin.drain()
        return int(await self._process.stdout.readline())


def report(done: list[Done]) -> None:
    """The lines with their seconds, and what a failed one said."""
    for each in done:
        click.echo(f"{each.seconds:7.1f} s  {each.line}")
        if each.code:
            click.echo(each.output)
