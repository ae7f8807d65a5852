"""``pullcord doctor`` beside a running bot."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from click.testing import CliRunner
from sqlmodel import Session

from bot.cli import cli
from bot.cli.demo.stage import CONNECTION
from bot.ports import utc_now
from storage.queries import connections
from storage.tables import Connection
from tests.end_to_end.scene import Scene
from tests.end_to_end.serving import environment_of

SERVICE = "pullcord@example.com"
HOOKS = f"hooks of {CONNECTION}"


async def _examined(scene: Scene, **more: str) -> dict[str, dict[str, Any]]:
    """The worst finding of each thing that was looked at."""
    environment = environment_of(scene.stage.settings) | {
        "PULLCORD_PUBLIC_URL": scene.stage.bot.url,
        **more,
    }
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["doctor", "--json"], env=environment)
    findings = json.loads(done.output)
    assert done.exit_code == (0 if all(each["is_well"] for each in findings) else 1)
    worst: dict[str, dict[str, Any]] = {}
    for each in findings:
        if each["what"] not in worst or not each["is_well"]:
            worst[each["what"]] = each
    return worst


async def test_it_sees_a_bot_that_works_and_what_does_not(scene: Scene) -> None:
    found = await _examined(scene)
    for what in ("settings", "secret key", "database", "inbox", "outbox", "Teams", "clock"):
        assert found[what]["is_well"], found[what]
    assert found["public URL"]["says"].endswith("answers as Pullcord does")
    assert found["stored secrets"]["says"] == "all 1 can be read"
    assert found["administrators"]["is_well"]
    assert any(what.startswith(f"connection {CONNECTION}") for what in found)
    assert HOOKS in found


async def test_a_lost_key_a_revoked_token_and_a_wrong_address_are_told_apart(scene: Scene) -> None:
    other = await _examined(
        scene,
        PULLCORD_SECRET_KEY="zM2J9sOcBWMkl0Yjz3zj9mLJ0m8yqk6ybX4gJd3jv1A=",
        PULLCORD_PUBLIC_URL=scene.azure.base_url,
        PULLCORD_ADMINISTRATORS="",
    )
    assert "stored with another key" in other["stored secrets"]["says"]
    assert "not Pullcord" in other["public URL"]["says"]
    assert "PULLCORD_ADMINISTRATORS" in other["administrators"]["advice"]
    for token in list(scene.azure._org.credentials.pats):
        scene.azure.revoke_pat(token)
    refused = await _examined(scene)
    troubles = {each["trouble"] for each in refused.values() if not each["is_well"]}
    assert "invalid_credentials" in troubles
    assert all(each["advice"] for each in refused.values() if not each["is_well"])


async def test_hooks_that_the_account_may_not_see_are_judged_by_what_comes(scene: Scene) -> None:
    """Made by hand by somebody else; what Azure DevOps hides is a list that is empty, or a 403."""
    (project,) = scene.azure.organization.projects.values()
    (service,) = (one for one in scene.azure.organization.people if one.mail == SERVICE)
    scene.azure.access.deny_hooks(service, project)
    kept = await scene.stage.bot.db.write(lambda s: _swap_secret(s, ""))
    soon = utc_now() + timedelta(days=4)
    await scene.stage.bot.db.write(
        lambda s: setattr(connections.credentials(s, CONNECTION)[0], "expires_at", soon)
    )
    found = await _examined(scene)
    assert not found[HOOKS]["is_well"]
    assert "there are none yet" in found[HOOKS]["says"]
    (bare,) = [one for one in found.values() if "no webhook secret" in one["says"]]
    assert bare["what"] == f"connection {CONNECTION}"
    assert f"`pullcord rotate-secret {CONNECTION}`" in bare["advice"]
    (ending,) = [one for one in found.values() if one["says"] == f"expires on {soon:%Y-%m-%d}"]
    assert ending["advice"].endswith(f"`pullcord credentials rotate {CONNECTION} 1`.")
    await scene.stage.bot.db.write(lambda s: _swap_secret(s, kept))
    await scene.opens(scene.maya, "First")
    found = await _examined(scene)
    assert (found[HOOKS]["is_well"], found[HOOKS]["is_note"]) == (True, True)
    assert found[HOOKS]["says"] == "this account sees none; the last webhook came just now"
    scene.azure.faults.add("GET", "hooks/subscriptions", status=403)
    found = await _examined(scene)
    assert found[HOOKS]["is_note"]
    assert found[HOOKS]["says"].startswith("cannot be looked at (")
    assert found[HOOKS]["says"].endswith("; the last webhook came just now")


def _swap_secret(session: Session, secret_hash: str) -> str:
    row = session.get_one(Connection, CONNECTION)
    row.secret_hash, kept = secret_hash, row.secret_hash
    return kept
