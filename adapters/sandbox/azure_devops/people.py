"""The organisation's people and groups, and the credentials that act for them."""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

_PAT_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class SandboxIdentity:
    """A person or a group as Azure DevOps knows it.

    ``unique_name`` is the mail address on the service and ``DOMAIN\\user`` on a server.
    ``member_ids`` is filled for groups only.
    """

    id: str
    display_name: str
    mail: str
    unique_name: str
    descriptor: str
    is_group: bool = False
    member_ids: tuple[str, ...] = ()


class People:
    """All identities of one organisation."""

    def __init__(self, *, windows_domain: str | None = None) -> None:
        self._by_id: dict[str, SandboxIdentity] = {}
        self._windows_domain = windows_domain

    def __iter__(self) -> Iterator[SandboxIdentity]:
        return iter(list(self._by_id.values()))

    def add(
        self,
        display_name: str,
        mail: str,
        *,
        is_group: bool = False,
        members: Iterable[SandboxIdentity] = (),
    ) -> SandboxIdentity:
        """Add a person, or a group with its members."""
        identity_id = str(uuid.uuid4())
        kind = "vssgp" if is_group else ("win" if self._windows_domain else "aad")
        person = SandboxIdentity(
            id=identity_id,
            display_name=display_name,
            mail=mail,
            unique_name=self._unique_name(identity_id, display_name, mail, is_group),
            descriptor=f"{kind}.{uuid.uuid5(uuid.NAMESPACE_URL, identity_id).hex}",
            is_group=is_group,
            member_ids=tuple(member.id for member in members),
        )
        self._by_id[identity_id] = person
        return person

    def by_id(self, identity_id: str) -> SandboxIdentity | None:
        """Return the identity of this GUID (any case), or None."""
        return self._by_id.get(identity_id.lower())

    def by_name(self, name: str) -> SandboxIdentity | None:
        """Find by unique name, mail, ``Display <mail>`` or an unambiguous display name."""
        wanted = name.strip().casefold()
        if wanted.endswith(">") and "<" in wanted:
            wanted = wanted.rsplit("<", 1)[1][:-1].strip()
        for person in self._by_id.values():
            if wanted in (person.unique_name.casefold(), person.mail.casefold()):
                return person
        named = [p for p in self._by_id.values() if p.display_name.casefold() == wanted]
        return named[0] if len(named) == 1 else None

    def groups_of(self, person: SandboxIdentity) -> list[SandboxIdentity]:
        """Return the groups that have this person as a direct member."""
        return [group for group in self._by_id.values() if person.id in group.member_ids]

    def _unique_name(self, identity_id: str, display_name: str, mail: str, is_group: bool) -> str:
        if is_group:
            return f"vstfs:///Classification/TeamProject/{identity_id}\\{display_name}"
        if self._windows_domain:
            return f"{self._windows_domain}\\{mail.split('@', 1)[0]}"
        return mail


@dataclass(slots=True)
class PersonalAccessToken:
    """One PAT. ``scopes`` None means full access; ``expires_at`` None means never."""

    person: SandboxIdentity
    expires_at: datetime | None = None
    scopes: frozenset[str] | None = None
    revoked: bool = False


@dataclass(slots=True)
class Credentials:
    """What a caller may present, and whom it stands for."""

    pats: dict[str, PersonalAccessToken] = field(default_factory=dict, repr=False)
    bearer_tokens: dict[str, SandboxIdentity] = field(default_factory=dict, repr=False)
    applications: list[tuple[Mapping[str, str], str, SandboxIdentity]] = field(
        default_factory=list, repr=False
    )

    def bearer(self, token: str) -> SandboxIdentity | None:
        """Whom an access token stands for."""
        for issued, client_id, person in self.applications:
            if issued.get(token) == client_id and token in issued:
                return person
        return self.bearer_tokens.get(token)

    def issue_pat(
        self,
        person: SandboxIdentity,
        *,
        expires_at: datetime | None = None,
        scopes: Iterable[str] | None = None,
    ) -> str:
        """Make a PAT in today's shape: 84 characters, ``AZDO`` from index 76.

        Source: "Use personal access tokens" on learn.microsoft.com.
        """
        letters = "".join(secrets.choice(_PAT_ALPHABET) for _ in range(80))
        token = f"{letters[:76]}AZDO{letters[76:]}"
        self.pats[token] = PersonalAccessToken(
            person, expires_at, None if scopes is None else frozenset(scopes)
        )
        return token
