"""What others ask the tables."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from storage import dialects
from storage.queries import (
    activities,
    connections,
    conversations,
    links,
    people,
    pull_requests,
    repositories,
    subscriptions,
    tickets,
)
from storage.secrets import SecretBox, WeakSecret, new_key, new_webhook_secret
from storage.tables import (
    Connection,
    ConversationRow,
    IdentityRow,
    Person,
    PostedCard,
    TicketRow,
)
from tests.storage.samples import (
    NOW,
    add_connection,
    add_conversation,
    add_person,
    add_pull_request,
    add_repository,
)


@dataclass(frozen=True)
class Chat:
    id: str = "19:a"
    kind: str = "channel"
    service_url: str = "https://example.com/teams"
    tenant_id: str = "t"
    name: str = "General"
    team_id: str = "team"
    team_name: str = "Shop"
    channel_id: str = "19:a"


@dataclass(frozen=True)
class User:
    id: str = "29:maya"
    name: str = "Maya Sample"
    aad_object_id: str = "aad"
    mail: str = "Maya@Example.com"
    tenant_id: str = "t"
    is_guest: bool = False


@dataclass(frozen=True)
class Account:
    id: str = "i1"
    display_name: str = "Maya Sample"
    unique_name: str = "MAYA@example.com"
    is_group: bool = False


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = dialects.writer_engine(database_url)
    with Session(engine) as made:
        add_connection(made)
        yield made
    engine.dispose()


# --- connections ----------------------------------------------------------------------------


def test_a_changed_connection_keeps_its_webhook_secret(session: Session) -> None:
    secret = new_webhook_secret()
    connections.set_webhook_secret(session, "demo", secret)
    changed = Connection(name="demo", base_url="https://example.com/x", created_at=NOW)
    connections.save(session, changed)
    stored = connections.get(session, "demo")
    assert stored is not None
    assert stored.base_url == "https://example.com/x"
    door = connections.door(session, "demo")
    assert door is not None
    assert door.admits(secret)
    connections.save(session, Connection(name="b", base_url="https://b", created_at=NOW))
    assert [row.name for row in connections.all_connections(session)] == ["b", "demo"]


def test_both_webhook_secrets_are_valid_while_a_rotation_is_on(session: Session) -> None:
    old, new = new_webhook_secret(), new_webhook_secret()
    connections.set_webhook_secret(session, "demo", old)
    connections.set_webhook_secret(session, "demo", new)
    door = connections.door(session, "demo")
    assert door is not None
    assert [door.admits(one) for one in (old, new, "", "wrong")] == [True, True, False, False]
    connections.end_rotation(session, "demo")
    door = connections.door(session, "demo")
    assert door is not None
    assert [door.admits(old), door.admits(new)] == [False, True]
    assert old not in repr(door)


def test_a_connection_without_a_secret_lets_nobody_in(session: Session) -> None:
    """CHECKS 18: an empty configured secret."""
    door = connections.door(session, "demo")
    assert door is not None
    assert not door.admits("")
    assert connections.door(session, "other") is None
    with pytest.raises(WeakSecret):
        connections.set_webhook_secret(session, "demo", "short")
    with pytest.raises(LookupError):
        connections.set_webhook_secret(session, "other", new_webhook_secret())


def test_credentials_are_stored_encrypted_and_replaced_in_place(session: Session) -> None:
    """CHECKS 23."""
    box = SecretBox([new_key()])
    new = connections.NewCredential("pat", "canary-pat", label="main")
    assert "canary" not in repr(new)
    first = connections.add_credential(session, "demo", new, box, now=NOW)
    assert "canary" not in first.secret
    connections.mark_credential(session, first.id or 0, failure="expired", now=NOW)
    again = connections.add_credential(
        session, "demo", replace(new, secret="canary-2"), box, now=NOW
    )
    assert (again.id, again.failure, box.decrypt(again.secret)) == (first.id, "", "canary-2")
    other = connections.NewCredential("service_principal", "s", client_id="c", tenant_id="t")
    connections.add_credential(session, "demo", other, box, now=NOW)
    assert [row.kind for row in connections.credentials(session, "demo")] == [
        "pat",
        "service_principal",
    ]
    connections.remove_credential(session, first.id or 0)
    assert len(connections.credentials(session, "demo")) == 1


def test_a_connection_can_be_paused(session: Session) -> None:
    connections.pause(session, "demo", reason="the token expired")
    stored = connections.get(session, "demo")
    assert stored is not None
    assert stored.paused_reason == "the token expired"


# --- repositories ---------------------------------------------------------------------------


def test_a_repository_is_found_by_name_or_id_in_any_case(session: Session) -> None:
    add_repository(session, "Größe-Shop", repository_id="0a-id")
    add_repository(session, "Other", repository_id="r2")
    for wanted in ("größe-shop", "GRÖSSE-SHOP", "0A-ID"):
        assert [row.id for row in repositories.find(session, "demo", wanted)] == ["0a-id"]
    assert repositories.find(session, "demo", "Größe%") == []
    assert repositories.find(session, "elsewhere", "Other") == []
    assert [row.name for row in repositories.of_project(session, "demo", "GRÖSSE")] == [
        "Größe-Shop",
        "Other",
    ]
    repositories.mark_removed(session, "demo", "r2", at=NOW)
    session.flush()
    assert repositories.find(session, "demo", "other") == []


def test_a_renamed_repository_is_found_under_its_new_name(session: Session) -> None:
    add_repository(session, "Old")
    (row,) = repositories.find(session, "demo", "old")
    row.name = "NEW"
    session.flush()
    assert repositories.find(session, "demo", "old") == []
    assert repositories.find(session, "demo", "new") == [row]


# --- conversations and people ---------------------------------------------------------------


def test_what_teams_leaves_out_and_settings_stay(session: Session) -> None:
    conversations.upsert(session, Chat(), now=NOW)
    conversations.set_defaults(session, "19:a", connection="demo", repository="r1")
    told = Chat(name="", team_id="", team_name="", service_url="https://example.com/new")
    later = conversations.upsert(session, told, now=NOW + timedelta(days=1))
    assert (later.name, later.team_id, later.default_repository) == ("General", "team", "r1")
    assert later.service_url == "https://example.com/new"
    assert later.created_at == NOW


def test_a_conversation_that_is_gone_stays_so_until_the_bot_is_back(session: Session) -> None:
    conversations.upsert(session, Chat(), now=NOW)
    assert conversations.mark_gone(session, "19:a", reason="removed")
    assert not conversations.mark_gone(session, "19:a", reason="again")
    assert conversations.upsert(session, Chat(), now=NOW).state == "gone"
    assert conversations.mark_active(session, "19:a")
    assert not conversations.mark_active(session, "19:a")
    stored = conversations.get(session, "19:a")
    assert stored is not None
    assert (stored.state, stored.gone_reason) == ("active", "")
    assert not conversations.mark_gone(session, "unknown", reason="")


def test_channels_and_teams_are_renamed(session: Session) -> None:
    for one in ("19:a", "19:b"):
        conversations.upsert(session, replace(Chat(), id=one), now=NOW)
    conversations.rename(session, "19:a", name="News")
    conversations.rename_team(session, "team", team_name="Store")
    rows = conversations.of_team(session, "team")
    assert [(row.name, row.team_name) for row in rows] == [("News", "Store"), ("General", "Store")]
    assert conversations.of_team(session, "") == []


def test_a_person_is_merged_and_found_by_either_id(session: Session) -> None:
    first = people.upsert(session, User())
    assert first.mail == "maya@example.com"
    again = people.upsert(session, User(id="29:new", name="", mail=""), service_url="https://x")
    assert again.id == first.id
    assert (again.name, again.mail, again.teams_user_id) == (
        "Maya Sample",
        "maya@example.com",
        "29:new",
    )
    assert people.find(session, "29:other", "aad") is again
    assert people.find(session, "29:other") is None
    assert people.find(session, "29:other", "") is None


def test_people_are_found_by_mail_in_any_case_while_they_are_there(session: Session) -> None:
    maya = session.get_one(Person, add_person(session))
    assert people.with_mail(session, " MAYA@EXAMPLE.COM ") == [maya]
    assert people.with_mail(session, "%@example.com") == []
    assert people.with_mail(session, "") == []
    maya.removed_at = NOW
    session.flush()
    assert people.with_mail(session, "maya@example.com") == []


def test_a_personal_chat_is_remembered_and_forgotten(session: Session) -> None:
    person = add_person(session)
    people.set_personal_chat(session, person, replace(Chat(), kind="personal"), now=NOW)
    stored = people.get(session, person)
    assert stored is not None
    assert stored.personal_conversation_id == "19:a"
    assert session.get_one(ConversationRow, "19:a").kind == "personal"
    people.forget_personal_chat(session, person, until=NOW)
    assert stored.personal_conversation_id == ""


def test_an_identity_keeps_its_person_and_what_is_left_out(session: Session) -> None:
    person = add_person(session)
    row = people.store_identity(session, "demo", Account())
    row.person_id = person
    people.store_identity(session, "demo", Account(unique_name=""))
    people.store_identity(session, "demo", Account(id="i2", unique_name="CORP\\Jonas"))
    kept = session.get_one(IdentityRow, ("demo", "i1"))
    assert (kept.person_id, kept.unique_name, kept.account_key) == (
        person,
        "MAYA@example.com",
        "maya@example.com",
    )
    assert session.get_one(IdentityRow, ("demo", "i2")).account_key == "corp\\jonas"


# --- subscriptions --------------------------------------------------------------------------


def test_subscribing_twice_changes_in_place(session: Session) -> None:
    add_conversation(session, "a")

    def subscribe(project: str, drafts: str) -> tuple[int | None, bool]:
        row, is_new = subscriptions.add(
            session,
            conversation_id="a",
            connection="demo",
            project=project,
            repository="Shop",
            target_branches=["main"],
            drafts=drafts,
            now=NOW,
        )
        return row.id, is_new

    first, is_new = subscribe("Größe", "silent")
    assert is_new
    assert subscribe("GRÖSSE", "announce") == (first, False)
    (row,) = subscriptions.of_conversation(session, "a")
    assert (row.drafts, row.target_branches) == ("announce", ["main"])
    assert subscriptions.get(session, first or 0) is row
    assert not subscriptions.remove(session, "a", "demo", "Größe")
    assert subscriptions.remove(session, "a", "demo", "größe", "shop")
    assert subscriptions.of_conversation(session, "a") == []


def test_only_those_who_can_be_told_are_candidates(session: Session) -> None:
    for one in ("a", "gone", "paused", "elsewhere"):
        add_conversation(session, one)
        project = "Other" if one == "elsewhere" else "Shop"
        row, _ = subscriptions.add(
            session, conversation_id=one, connection="demo", project=project, now=NOW
        )
        if one == "paused":
            row.paused_at = NOW
    conversations.mark_gone(session, "gone", reason="removed")
    session.flush()
    found = subscriptions.candidates(session, "demo", "SHOP")
    assert [row.conversation_id for row in found] == ["a"]


# --- links and tickets ----------------------------------------------------------------------


def test_a_link_is_made_once_taken_away_and_made_again(session: Session) -> None:
    add_pull_request(session, 12)
    add_pull_request(session, 13)

    def link(number: int) -> bool:
        return links.link(session, "demo", 5, number, repository_id="r1", by="maya", at=NOW)

    assert [link(12), link(12), link(13)] == [True, False, True]
    linked = links.pull_requests_of_ticket(session, "demo", 5)
    assert [row.number for row in linked] == [13, 12]
    assert links.unlink(session, "demo", 5, 12, by="jonas", at=NOW)
    assert not links.unlink(session, "demo", 5, 12, by="jonas", at=NOW)
    assert links.of_pull_request(session, "demo", 12) == []
    assert [one.pull_request for one in links.of_ticket(session, "demo", 5)] == [13]
    assert link(12)
    (again,) = links.of_pull_request(session, "demo", 12)
    assert (again.removed_at, again.removed_by) == (None, "")


def test_an_older_revision_does_not_replace_a_newer_ticket(session: Session) -> None:
    def store(rev: int, title: str, minutes: int = 0) -> bool:
        as_of = NOW + timedelta(minutes=minutes)
        row = TicketRow(connection="demo", number=5, rev=rev, title=title, as_of=as_of)
        return tickets.store(session, row)

    assert [store(2, "two"), store(1, "one", 9), store(3, "three")] == [True, False, True]
    assert [store(3, "earlier", -1), store(3, "later", 1)] == [False, True]
    stored = tickets.get(session, "demo", 5)
    assert stored is not None
    assert (stored.rev, stored.title) == (3, "later")
    assert tickets.get(session, "demo", 6) is None


# --- pull requests --------------------------------------------------------------------------


def test_open_pull_requests_are_found_by_either_end(session: Session) -> None:
    add_pull_request(session, 1, source_ref="refs/heads/a")
    add_pull_request(session, 2, target_ref="refs/heads/release/1")
    add_pull_request(session, 3, source_ref="refs/heads/a", status="completed")
    add_pull_request(session, 4, source_ref="refs/heads/a", repository_id="r2")
    add_pull_request(session, 5, source_ref="refs/heads/ab")
    refs = ["refs/heads/a", "refs/heads/release/1"]
    found = pull_requests.open_on_refs(session, "demo", "r1", refs)
    assert [row.number for row in found] == [1, 2]
    assert pull_requests.open_on_refs(session, "demo", "r1", []) == []


def test_a_fresh_read_is_asked_for(session: Session) -> None:
    one, two = add_pull_request(session, 1), add_pull_request(session, 2)
    pull_requests.ask_for_read(session, one)
    pull_requests.ask_for_read_by_number(session, "demo", 2)
    pull_requests.ask_for_read_by_number(session, "demo", 99)
    session.expire_all()
    for row_id in (one, two):
        row = pull_requests.get(session, row_id)
        assert row is not None
        assert row.needs_read
    assert pull_requests.by_number(session, "demo", 1) is pull_requests.get(session, one)
    assert pull_requests.by_number(session, "other", 1) is None


def test_a_card_is_shown_where_it_can_still_be_updated(session: Session) -> None:
    number = add_pull_request(session)
    for one in ("a", "b", "gone"):
        add_conversation(session, one)
        session.add(PostedCard(conversation_id=one, pull_request_id=number))
    conversations.mark_gone(session, "gone", reason="removed")
    session.flush()
    assert list(pull_requests.shown_in(session, number)) == ["a", "b"]


# --- activities -----------------------------------------------------------------------------


def test_an_activity_is_stored_and_claimed_once(session: Session) -> None:
    """CHECKS 4: the storage's part of it."""

    def store(key: str) -> bool:
        return activities.store(session, key=key, event={"text": "hi"}, received_at=NOW)

    assert [store("a"), store("a"), store("b")] == [True, False, True]
    first, second = activities.claim(session, now=NOW)
    assert (first.key, second.key, first.event) == ("a", "b", {"text": "hi"})
    assert activities.claim(session, now=NOW) == []
    assert activities.mark_done(session, first.id, now=NOW)
    assert not activities.mark_done(session, first.id, now=NOW)
    assert activities.mark_failed(session, second.id, reason="no such command", now=NOW)
    assert activities.counts(session) == {"done": 1, "failed": 1}
    assert not store("a")


def test_an_activity_that_failed_can_be_tried_again(session: Session) -> None:
    activities.store(session, key="a", event={}, received_at=NOW)
    (row,) = activities.claim(session, now=NOW)
    row_id = row.id or 0
    assert activities.claim_one(session, row_id, now=NOW) is None
    activities.retry(session, row_id, reason="unreachable")
    again = activities.claim_one(session, row_id, now=NOW)
    assert again is not None
    assert (again.attempts, again.reason) == (1, "unreachable")


def test_an_activity_in_hand_at_a_crash_is_handled_later(session: Session) -> None:
    activities.store(session, key="a", event={}, received_at=NOW)
    activities.claim(session, now=NOW)
    later = NOW + timedelta(minutes=10)
    assert activities.requeue_interrupted(session, now=later) == 1
    assert len(activities.claim(session, now=later)) == 1
