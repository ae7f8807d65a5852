"""``connect``, ``connections``, ``credentials`` and ``disconnect``, against sandboxes over HTTP."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from adapters.sandbox.authority import PrivateAuthority
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxProject
from bot.cli import cli
from bot.settings import Settings
from storage.secrets import new_key
from tests.databases import migrated

T = TypeVar("T")

GATEWAY = {"CF-Access-Client-Id": "canary-gateway-header"}


class Background:
    """An event loop in a thread of its own: the command line runs its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def __call__(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(30)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Desk:
    """Where an operator sits: a folder with a database, an organisation and a collection."""

    def __init__(self, folder: Path, background: Background) -> None:
        self.folder, self.background = folder, background
        self.key = new_key()
        self.authority = PrivateAuthority()
        self.azure, self.shop = self._sandbox("contoso", "Shop")
        self.server, _ = self._sandbox(
            "Main",
            "Plant",
            style="server",
            tls=self.authority.server_context(),
            gateway=GATEWAY,
            newest_version="7.0",
        )
        migrated(folder / "pullcord.db")
        (folder / "ca.pem").write_text(self.authority.pem)

    def _sandbox(
        self, name: str, project: str, **options: Any
    ) -> tuple[AzureDevOpsSandbox, SandboxProject]:
        async def make() -> tuple[AzureDevOpsSandbox, SandboxProject]:
            sandbox = AzureDevOpsSandbox(self.folder / f"git-{name}", organization=name, **options)
            await sandbox.start()
            made = sandbox.add_project(project)
            for repository in ("web", "api"):
                await sandbox.add_repository(made, repository, files={"a": "a"})
            return sandbox, made

        return self.background(make())

    def token(self, sandbox: AzureDevOpsSandbox | None = None, **options: Any) -> str:
        place = sandbox or self.azure
        person = place.add_person("Pullcord Service", "pullcord@example.com")
        return place.issue_pat(person, **options)

    def run(self, *words: str, typed: str = "", **environment: str) -> Result:
        names = {"PULLCORD_SECRET_KEY": self.key, **environment}
        return CliRunner().invoke(cli, list(words), env=names, input=typed)

    def connect(self, name: str = "contoso", **environment: str) -> Result:
        secrets = environment or {"MY_PAT": self.token()}
        url = ("--url", self.azure.base_url, "--project", "Shop", "--pat-env", "MY_PAT")
        done = self.run("connect", name, *url, **secrets)
        assert done.exit_code == 0, done.output
        return done

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("connections", "--json").output)
        return found

    def query(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "pullcord.db")) as connection:
            return connection.execute(sql).fetchall()

    def close(self) -> None:
        self.background(self.azure.stop())
        self.background(self.server.stop())


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PULLCORD_{name.upper()}", raising=False)
    background = Background()
    desk = Desk(tmp_path, background)
    yield desk
    desk.close()
    background.close()


def test_two_organisations_one_of_them_on_premises_have_each_their_own_ways(desk: Desk) -> None:
    desk.connect()
    done = desk.run(
        "connect", "plant", "--url", f"{desk.server.base_url}/Plant/_git/web",
        "--pat-env", "PLANT_PAT", "--header", "CF-Access-Client-Id: canary-gateway-header",
        "--ca-bundle", "ca.pem", "--branch-template", "{type}/{id}", "--service", "pull_requests",
        "--repository", "Plant/web", "--expires", "2027-03-31",
        PLANT_PAT=desk.token(desk.server),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert f"Taken from that address: {desk.server.base_url}" in done.output
    assert "api-version: 7.0" in done.output
    assert desk.query("SELECT connection, name FROM repositories ORDER BY 1, 2") == [
        ("contoso", "api"),
        ("contoso", "web"),
        ("plant", "web"),
    ]
    contoso, plant = desk.listed()
    assert (contoso["name"], contoso["api_version"]) == ("contoso", "7.1")
    assert (plant["base_url"], plant["api_version"]) == (desk.server.base_url, "7.0")
    assert (plant["projects"], plant["branch_template"]) == ([], "{type}/{id}")
    assert plant["conventions"]["repositories"] == ["Plant/web"]
    assert not plant["conventions"]["tickets"]
    assert plant["credentials"][0]["expires_at"].startswith("2027-03-31")
    tested = desk.run("connections", "test", "--json")
    assert tested.exit_code == 0, tested.output
    assert set(json.loads(tested.output)) == {"contoso", "plant"}
    everything = done.output + tested.output + (desk.folder / "pullcord.db").read_text("latin-1")
    assert "canary-gateway-header" not in everything  # CHECKS 23


def test_nothing_is_stored_when_a_test_fails_unless_it_is_wanted(desk: Desk) -> None:
    token = desk.token(scopes=["vso.code_write", "vso.project"])
    words = ("connect", "contoso", "--url", desk.azure.base_url, "--pat-env", "MY_PAT")
    done = desk.run(*words, MY_PAT=token)
    assert done.exit_code == 1
    assert "invalid_permissions: not allowed: needs Work Items (Read), vso.work" in done.output
    assert "add --anyway" in done.output
    assert desk.listed() == []
    assert desk.run(*words, "--anyway", MY_PAT=token).exit_code == 0
    assert [row["name"] for row in desk.listed()] == ["contoso"]


def test_questions_lead_through_with_what_the_credential_sees(desk: Desk) -> None:
    answers = [
        desk.azure.base_url, "n",  # address, nothing special on the way
        "token", "main", desk.token(), "2027-13-01", "2027-03-31",  # the first date is none
        "Nowhere", "Shop",  # the first project is none
        "Shop/web", "pull_requests,builds", "feature/{id}",
        "web", "Web/General=Shop/web",  # the first one is not written as it should be
    ]  # fmt: skip
    done = desk.run("connect", "contoso", "--ask", typed="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    assert "Projects seen: Shop" in done.output
    assert "Repositories found: Shop/api, Shop/web" in done.output.replace(
        "Shop/web, Shop/api", "Shop/api, Shop/web"
    )
    assert "there is no project Nowhere" in done.output
    assert answers[4] not in done.output
    (row,) = desk.listed()
    assert row["conventions"]["repositories"] == ["Shop/web"]
    assert (row["conventions"]["tickets"], row["conventions"]["builds"]) == (False, True)
    assert row["branch_template"] == "feature/{id}"
    assert row["default_repositories"] == {"Web/General": "Shop/web"}


def test_a_file_says_all_of_it_and_its_secrets_stand_elsewhere(desk: Desk) -> None:
    (desk.folder / "contoso.toml").write_text(
        f'name = "contoso"\nurl = "{desk.azure.base_url}"\nprojects = ["Shop"]\n'
        'services = ["pull_requests", "tickets"]\nticket_types = ["Bug", "Task"]\n'
        'area_paths = ["Shop\\\\Web"]\ndefault_repositories = ["Shop/web", "Web=Shop/api"]\n'
        '[[credentials]]\nsecret_env = "ONE"\nexpires = "2027-01-01"\n'
        '[[credentials]]\nlabel = "second"\nsecret_env = "TWO"\n'
    )
    done = desk.run("connect", "--file", "contoso.toml", ONE=desk.token(), TWO=desk.token())
    assert done.exit_code == 0, done.output
    (row,) = desk.listed()
    assert [each["label"] for each in row["credentials"]] == ["ONE", "second"]
    assert row["conventions"]["ticket_types"] == ["Bug", "Task"]
    assert row["conventions"]["area_paths"] == ["Shop\\Web"]
    assert row["default_repositories"] == {"": "Shop/web", "Web": "Shop/api"}
    (desk.folder / "wrong.toml").write_text('pat = "canary"\n')
    wrong = desk.run("connect", "--file", "wrong.toml")
    assert wrong.exit_code == 2
    assert "not known: pat" in wrong.output


def test_edit_changes_what_is_given_and_keeps_the_rest(desk: Desk) -> None:
    desk.connect()
    done = desk.run("connect", "contoso", "--edit", "--service", "tickets", "--no-ask")
    assert done.exit_code == 0, done.output
    assert "Webhook secret" not in done.output
    (row,) = desk.listed()
    assert row["projects"] == ["Shop"]
    assert (row["conventions"]["tickets"], row["conventions"]["pull_requests"]) == (True, False)
    edit = ("connect", "contoso", "--edit", "--default-repository")
    assert "there is no repository Shop/gone" in desk.run(*edit, "Web=Shop/gone").output
    assert desk.run(*edit, "Web=Shop/web", "--default-repository", "Shop/api").exit_code == 0
    link = "https://teams.microsoft.com/l/channel/19%3aab%40thread.tacv2/Web?groupId=1&tenantId=2"
    both = ("web=none", "--default-repository", f"{link}=Shop/web")
    assert desk.run(*edit, *both).exit_code == 0
    assert desk.listed()[0]["default_repositories"] == {
        "": "Shop/api",
        "19:ab@thread.tacv2": "Shop/web",
    }
    actions = [action for (action,) in desk.query("SELECT action FROM audit ORDER BY id")]
    assert actions == ["connection.made", *["connection.changed"] * 3]
    assert desk.run("connect", "nowhere", "--edit", "--no-ask").exit_code == 1


def test_an_edit_that_says_what_to_change_asks_for_nothing_else_in_a_terminal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.connect()
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    done = desk.run("connect", "contoso", "--edit", "--service", "builds")
    assert done.exit_code == 0, done.output
    assert desk.listed()[0]["conventions"]["builds"]
    assert desk.run("connect", "contoso", "--edit").exit_code == 1  # it asks, and nobody answers


def test_credentials_are_added_listed_rotated_and_removed_and_never_shown(desk: Desk) -> None:
    first, second, third = desk.token(), desk.token(), desk.token()
    desk.connect(MY_PAT=first)
    said = desk.run(
        "credentials", "add", "contoso", "--pat-env", "NEW", "--label", "second",
        "--expires", "2027-03-31", NEW=second,
    ).output  # fmt: skip
    assert "Added second to contoso" in said
    again = desk.run(
        "credentials", "add", "contoso", "--pat-env", "NEW", "--label", "second", NEW=second
    )
    assert again.exit_code == 1
    desk.azure.revoke_pat(second)
    refused = desk.run(
        "credentials", "rotate", "contoso", "second", "--secret-env", "NEW", NEW=second
    )
    assert refused.exit_code == 1
    assert "invalid_credentials" in refused.output
    rotated = desk.run(
        "credentials", "rotate", "contoso", "second", "--secret-env", "NEW", NEW=third
    )
    assert rotated.exit_code == 0, rotated.output
    shown = desk.run("credentials", "list", "contoso").output
    assert "MY_PAT" in shown
    assert "second" in shown
    assert desk.run("credentials", "remove", "contoso", "MY_PAT").exit_code == 0
    last = desk.run("credentials", "remove", "contoso", "second", typed="n\n")
    assert last.exit_code == 1
    assert "is the last one" in last.output
    everything = said + refused.output + rotated.output + shown + last.output
    for secret in (first, second, third):
        assert secret not in everything


def test_keys_can_be_changed_and_the_old_one_given_up(desk: Desk) -> None:
    desk.connect()
    old, desk.key = desk.key, f"{new_key()},{desk.key}"
    assert desk.run("connections", "test").exit_code == 0
    done = desk.run("secret-key", "--rotate")
    assert done.exit_code == 0, done.output
    desk.key = desk.key.partition(",")[0]
    assert desk.run("connections", "test").exit_code == 0
    desk.key = old
    refused = desk.run("connections", "test")
    assert refused.exit_code == 1
    assert "PULLCORD_SECRET_KEY" in refused.output


def test_disconnect_says_what_is_lost_wants_the_name_and_keeps_links_and_audit(desk: Desk) -> None:
    desk.connect()
    url = "https://pullcord.example.com"
    ours = desk.azure.add_hook(
        f"{url}/webhooks/ado/contoso", "git.push", project=desk.shop, secret="s" * 24
    )
    other = desk.azure.add_hook("https://other.example.com/x", "git.push", project=desk.shop)
    now = datetime.now(UTC).isoformat(sep=" ")
    with closing(sqlite3.connect(desk.folder / "pullcord.db")) as db, db:
        db.execute(
            "INSERT INTO conversations (id, kind, service_url, tenant_id, name, team_id, team_name,"
            " channel_id, default_connection, default_repository, state, gone_reason, created_at)"
            " VALUES ('c1', 'channel', '', '', '', '', '', '', 'contoso', 'Shop/web', 'active', '',"
            f" '{now}')"
        )
    wrong = desk.run("disconnect", "contoso", typed="contosso\n", PULLCORD_PUBLIC_URL=url)
    assert wrong.exit_code == 1
    assert "the service hooks of Pullcord" in wrong.output
    assert len(desk.listed()) == 1
    done = desk.run("disconnect", "contoso", "--confirm", "contoso", PULLCORD_PUBLIC_URL=url)
    assert done.exit_code == 0, done.output
    assert desk.listed() == []
    left = desk.azure.hooks.subscriptions
    assert (ours.id in left, other.id in left) == (False, True)
    assert desk.query("SELECT count(*) FROM credentials") == [(0,)]
    assert desk.query("SELECT default_connection FROM conversations") == [("",)]
    assert desk.query("SELECT action FROM audit ORDER BY id")[-1] == ("connection.ended",)
    desk.connect()
    assert len(desk.listed()) == 1


def test_disconnect_with_a_dead_credential_changes_nothing_unless_hooks_may_stay(
    desk: Desk,
) -> None:
    token = desk.token(expires_at=datetime.now(UTC) + timedelta(days=1))
    desk.connect(MY_PAT=token)
    desk.azure.revoke_pat(token)
    done = desk.run("disconnect", "contoso", "--confirm", "contoso")
    assert done.exit_code == 1
    assert "--leave-hooks" in done.output
    assert len(desk.listed()) == 1
    done = desk.run("disconnect", "contoso", "--confirm", "contoso", "--leave-hooks")
    assert done.exit_code == 0
    assert desk.listed() == []


def test_without_a_terminal_nothing_is_asked(desk: Desk) -> None:
    assert desk.run("connect").exit_code == 2
    done = desk.run("connect", "contoso")
    assert done.exit_code == 2
    assert "--url is missing" in done.output


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--header", "Authorization: Basic canary"), "set by Pullcord itself"),
        (("--header", "canary"), "a header is written"),
        (("--ca-bundle", "nowhere.pem"), "cannot be read"),
        (("--proxy", "ftp://canary"), "the proxy must be"),
        (("--service", "wikis"), "services are"),
        (("--expires", "soon"), "a date is written"),
        (("--default-repository", "web"), "is written PROJECT/REPOSITORY"),
        (("--certificate", "ca.pem"), "service principal needs"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(
    desk: Desk, flags: tuple[str, ...], says: str
) -> None:
    words = ("connect", "contoso", "--url", "https://dev.azure.com/contoso", *flags)
    way = () if "--certificate" in flags else ("--pat-env", "MY_PAT")
    done = desk.run(*words, *way, MY_PAT="x" * 84)
    assert done.exit_code in (1, 2)
    assert says in done.output
    assert "canary" not in done.output
