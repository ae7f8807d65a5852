"""Who should hear what in the week, and at which minute: a plain model that knows only the script.

It goes minute by minute: what is done, whose digest and reminder comes, and whose waiting messages
can be told. It shares no code with the product.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from tests.bot.week.script import NEEDLE, PullRequest, Said, Script, Step, What
from tests.bot.week.team import END, MEMBERS, TEAM, WEEKDAYS, Member

Told = tuple[int, tuple[str, ...]]
"""A message: the minute at which it comes, and what it says, piece by piece."""

WEB, PAYMENTS = "web", "payments"
REVIEW_MINUTES = 1

ON_MINE = {
    10: "{who} approved {pr}",
    5: "{who} approved {pr} with suggestions",
    -5: "{who} waits for you on {pr}",
    -10: "{who} rejected {pr}",
}
IN_THREAD = {
    10: "{who} approved",
    5: "{who} approved with suggestions",
    -5: "{who} waits for the author",
    -10: "{who} rejected",
}
SENT_BACK = {-5: "“waiting for author”", -10: "rejection"}
HELD = {"quiet": "Outside your working hours: ", "snooze": "While you had it snoozed: "}


@dataclass(eq=False)
class Waiting:
    """Something that somebody will hear of. ``held`` is why he has not yet."""

    minute: int
    kind: str
    made: PullRequest
    text: str
    writer: str = ""
    vote: int | None = None
    said: str = ""
    calls: bool = False
    is_mine: bool = False
    is_first_ask: bool = False
    note: str = ""
    held: str = ""


@dataclass(eq=False)
class Life:
    """A pull request as it stands. Votes, the moments of votes and of pushes are minutes."""

    made: PullRequest
    opened: int
    status: str
    begun: int = 0
    votes: dict[str, int] = field(default_factory=dict)
    voted: dict[str, int] = field(default_factory=dict)
    pushed: int = -1
    in_conflict: bool = False
    told_again: set[str] = field(default_factory=set)
    threads: list[set[str]] = field(default_factory=list)

    @property
    def is_approved(self) -> bool:
        votes = self.votes.values()
        return any(vote > 0 for vote in votes) and not any(vote < 0 for vote in votes)

    @property
    def is_ready(self) -> bool:
        return self.status == "active" and self.is_approved and not self.in_conflict

    def waits_for(self, who: str) -> int | None:
        """Since when the review of somebody is waited for."""
        if self.status != "active" or self.is_approved or who not in self.made.reviewers:
            return None
        if who not in self.votes:
            return self.begun
        answered = self.votes[who] == -5 and self.pushed > self.voted[who]
        return self.pushed if answered else None


@dataclass(eq=False)
class Person:
    """Somebody with what waits for him and what he heard."""

    member: Member
    waiting: list[Waiting] = field(default_factory=list)
    heard: list[Told] = field(default_factory=list)
    away: tuple[date, date] | None = None
    snoozed: int = 0
    muted: set[int] = field(default_factory=set)
    digest_due: int = -1
    digests: dict[object, int] = field(default_factory=dict)
    worked: dict[tuple[int, int], int] = field(default_factory=dict)
    reminded: set[tuple[int, int]] = field(default_factory=set)

    def works(self, minute: int) -> bool:
        return self.member.works(minute, self.away)

    def is_away(self, minute: int) -> bool:
        day = self.member.clock(minute).date()
        return self.away is not None and self.away[0] <= day < self.away[1]

    def next_digest(self, minute: int) -> int:
        """The first minute after this one at which his digest comes."""
        asked = (minute, self.away)
        if asked not in self.digests:
            self.digests[asked] = next(
                at
                for at in range(minute + 1, minute + 20 * 24 * 60)
                if self._is_digest_time(self.member.clock(at))
            )
        return self.digests[asked]

    def _is_digest_time(self, now: datetime) -> bool:
        return (
            now.time() == self.member.digest
            and now.weekday() in WEEKDAYS
            and not self.member.is_off(now.date(), self.away)
        )


class Expected:
    """Plays a script; ``people`` and ``channels`` have what is heard."""

    def __init__(self, script: Script) -> None:
        self.people = {each.key: Person(each) for each in TEAM}
        self.channels: dict[str, list[Told]] = {WEB: [], PAYMENTS: []}
        self._lives: dict[int, Life] = {}
        self._made = script.pull_requests
        steps: dict[int, list[Step]] = defaultdict(list)
        for step in script.steps:
            steps[step.minute].append(step)
        for person in self.people.values():
            if person.member.digest is not None:
                person.digest_due = person.next_digest(-1)
        for minute in range(END):
            for step in steps[minute]:
                self._take(step)
            for person in self.people.values():
                self._release(person, minute)
                self._remind(person, minute)
                self._digest(person, minute)

    # --- what is done -------------------------------------------------------------------------

    def _take(self, step: Step) -> None:
        person = self.people[step.who]
        match step.what:
            case What.AWAY:
                person.away = step.away
                if person.member.digest is not None:
                    person.digest_due = person.next_digest(step.minute)
            case What.SNOOZE:
                person.snoozed = step.until
            case What.MUTE:
                person.muted.add(step.number)
            case What.OPEN:
                made = self._made[step.number]
                status = "draft" if made.is_draft else "active"
                life = self._lives[step.number] = Life(made, step.minute, status)
                if not made.is_draft:
                    self._begins(life, step)
            case What.PUBLISH:
                self._lives[step.number].status = "active"
                self._begins(self._lives[step.number], step)
                self._reply(step.minute, self._made[step.number], "Published: ready for review")
            case What.REVIEW:
                self._reviewed(step, self._lives[step.number])
            case What.PUSH:
                self._pushed(step, self._lives[step.number])
            case What.COMPLETE | What.ABANDON:
                self._closed(step, self._lives[step.number])

    def _begins(self, life: Life, step: Step) -> None:
        life.begun = step.minute
        author = MEMBERS[life.made.author].name
        for place in self._followers(life.made):
            self.channels[place].append((step.minute, ("card", life.made.name)))
        for who in life.made.reviewers:
            text = f"{author} asks for your review of {life.made.name}"
            asked = Waiting(step.minute, "review asked", life.made, text, is_first_ask=True)
            self.people[who].waiting.append(asked)

    def _reviewed(self, step: Step, life: Life) -> None:
        made, who = life.made, MEMBERS[step.who].name
        was_ready = life.is_ready
        for said in step.said:
            self._commented(step, life, said)
        if step.vote is not None:
            life.votes[step.who], life.voted[step.who] = step.vote, step.minute
            life.told_again.discard(step.who)
            text = ON_MINE[step.vote].format(who=who, pr=made.name)
            self._tell(step, made.author, "vote", text, made, vote=step.vote, is_mine=True)
        if life.is_ready and not was_ready:
            text = f"{made.name} is approved and nothing stands in its way: you can complete it"
            self._tell(step, made.author, "ready", text, made)
        if WEB in self._followers(made):
            texts = [self._excerpt(said) for said in step.said]
            alone = _alone_in_thread(who, texts, step.vote)
            reply = alone or _together(who, texts, step.vote, IN_THREAD, "")
            lines = _lines(texts) if not alone else ""
            text = f"{reply}: {lines}" if lines else reply
            told = ("reply", made.name, text)
            self.channels[WEB].append((step.minute + REVIEW_MINUTES, told))

    def _commented(self, step: Step, life: Life, said: Said) -> None:
        if not said.is_reply:
            life.threads.append(set())
        thread, made = life.threads[-1], life.made
        who, text = MEMBERS[step.who].name, self._excerpt(said)
        roles = dict.fromkeys(thread, "replied on") | {made.author: "commented on"}
        if said.to:
            roles[said.to] = "mentioned you on"
        for reader, verb in roles.items():
            if reader == step.who:
                continue
            is_call = reader == said.to
            self._tell(
                step,
                reader,
                "mention" if is_call else "comment",
                f"{who} {verb} {made.name}: {text}",
                made,
                said=text,
                calls=is_call,
                is_mine=reader == made.author and not is_call,
            )
        thread.add(step.who)

    def _tell(
        self, step: Step, reader: str, kind: str, text: str, made: PullRequest, **more: object
    ) -> None:
        writer = step.who if kind in ("vote", "comment", "mention") else ""
        told = Waiting(step.minute, kind, made, text, writer=writer, **more)  # type: ignore[arg-type]  # fields
        self.people[reader].waiting.append(told)

    def _pushed(self, step: Step, life: Life) -> None:
        life.pushed = step.minute
        for who, vote in life.votes.items():
            if vote >= 0 or who in life.told_again:
                continue
            life.told_again.add(who)
            text = f"New commits after your {SENT_BACK[vote]} on {life.made.name}"
            note = "Since your last look: 1 commit, 1 changed file"
            asked = f"{text}: please look again"
            self._tell(step, who, "review asked", asked, life.made, note=note)

    def _closed(self, step: Step, life: Life) -> None:
        made, who = life.made, MEMBERS[step.who].name
        life.status = "completed" if step.what is What.COMPLETE else "abandoned"
        if step.who != made.author:
            self._tell(step, made.author, life.status, f"{who} {life.status} {made.name}", made)
        said = f"{life.status.title()} by {who}"
        if WEB in self._followers(made):
            self.channels[WEB].append((step.minute, ("reply", made.name, said)))
        if PAYMENTS in self._followers(made):
            self.channels[PAYMENTS].append((step.minute, (f"{made.name}: {said}",)))
        if life.status == "completed":
            for other in self._lives.values():
                if _collide(life, other):
                    self._conflict(step, other)

    def _conflict(self, step: Step, life: Life) -> None:
        life.in_conflict = True
        text = f"{life.made.name} has conflicts with {life.made.target}"
        self._tell(step, life.made.author, "conflict", text, life.made)
        self._reply(step.minute, life.made, text)

    # --- channels -----------------------------------------------------------------------------

    def _followers(self, made: PullRequest) -> list[str]:
        web = [WEB] if made.repository == "web" else []
        return web + ([PAYMENTS] if NEEDLE in made.title.split() else [])

    def _reply(self, minute: int, made: PullRequest, text: str) -> None:
        for place in self._followers(made):
            self.channels[place].append((minute, ("reply", made.name, text)))

    def _excerpt(self, said: Said) -> str:
        return f"@{MEMBERS[said.to].name} {said.text}" if said.to else said.text

    # --- people -------------------------------------------------------------------------------

    def _release(self, person: Person, minute: int) -> None:
        if not person.waiting:
            return
        windows: dict[tuple[int, str], int] = {}
        kept: list[Waiting] = []
        told: list[Waiting] = []
        open_ = [each for each in person.waiting if self._is_wanted(person, each)]
        for each in open_:
            if each.writer:
                key = (each.made.number, each.writer)
                windows[key] = min(windows.get(key, each.minute), each.minute)
        ends = {number: begun + REVIEW_MINUTES for (number, _), begun in windows.items()}
        for each in open_:
            group = (each.made.number, each.writer)
            window = windows[group] + REVIEW_MINUTES if each.writer else 0
            if each.kind == "ready":
                window = max(
                    (begun + REVIEW_MINUTES for (n, _), begun in windows.items() if n == group[0]),
                    default=ends.get(group[0], 0),
                )
            reason = self._waits(person, each, minute, window)
            each.held = reason or each.held
            (kept if reason else told).append(each)
        person.waiting = kept
        late = [each for each in told if each.held in ("quiet", "snooze", "digest")]
        if len(_grouped(late)) > 1:
            person.heard.append((minute, _held(late)))
            told = [each for each in told if each not in late]
        for group_ in _grouped(told):
            person.heard.append((minute, _message(group_)))

    def _is_wanted(self, person: Person, each: Waiting) -> bool:
        if each.kind in person.member.never or each.made.number in person.muted:
            return False
        life = self._lives[each.made.number]
        who = person.member.key
        match each.kind:
            case "review asked" if life.status != "active":
                return False
            case "review asked":
                return who not in life.votes if each.is_first_ask else life.votes[who] <= 0
            case "ready":
                return life.is_ready
            case "conflict":
                return life.status == "active"
        return True

    def _waits(self, person: Person, each: Waiting, minute: int, window: int) -> str:
        """Why it is not told now; "" when it is."""
        if minute < window:
            return "review"
        if minute < person.snoozed:
            return "snooze"
        if each.kind in person.member.later and minute < self._digest_after(person, each):
            return "digest"
        if person.is_away(minute):
            return "quiet"
        if person.member.is_loud or each.kind in person.member.urgent or person.works(minute):
            return ""
        return "quiet"

    def _digest_after(self, person: Person, each: Waiting) -> int:
        return person.next_digest(each.minute) + 5

    def _digest(self, person: Person, minute: int) -> None:
        if person.member.digest is None or minute < person.digest_due:
            return
        if minute < person.snoozed:
            person.digest_due = person.snoozed
            return
        person.digest_due = person.next_digest(minute)
        if person.member.is_off(person.member.clock(minute).date(), person.away):
            return
        news = [each for each in person.waiting if each.held == "digest"]
        person.waiting = [each for each in person.waiting if each not in news]
        rows = tuple(self._rows(person))
        if rows or news:
            said = tuple(each.text for each in news)
            person.heard.append((minute, ("digest", *rows, *said)))

    def _rows(self, person: Person) -> Iterator[str]:
        parts: dict[str, list[tuple[int, str]]] = {
            "Waiting for you": [],
            "Conflicts": [],
            "Ready to complete": [],
            "Yours": [],
        }
        for life in self._lives.values():
            made, since = life.made, life.opened
            if life.status not in ("active", "draft") or made.number in person.muted:
                continue
            waits = life.waits_for(person.member.key)
            if made.author == person.member.key:
                what = "Ready to complete" if life.is_ready else "Yours"
                what = "Conflicts" if life.in_conflict else what
                since = max(life.voted.values()) if life.is_ready else since
            elif waits is not None:
                what, since = "Waiting for you", waits
            else:
                continue
            parts[what].append((since, f"{what} {made.name}"))
        for part in parts.values():
            yield from (text for _, text in sorted(part))

    def _remind(self, person: Person, minute: int) -> None:
        hours = person.member.remind
        if hours is None or not person.works(minute):
            return
        due: list[str] = []
        for life in self._lives.values():
            since = life.waits_for(person.member.key)
            wait = (life.made.number, since or 0)
            if since is None or wait in person.reminded:
                continue
            if person.worked.get(wait, 0) >= hours * 60:
                person.reminded.add(wait)
                due.append(life.made.name)
            person.worked[wait] = person.worked.get(wait, 0) + 1
        if due:
            person.heard.append((minute, ("reminder", *sorted(due))))


# --- how it is said ---------------------------------------------------------------------------


def _collide(closed: Life, other: Life) -> bool:
    one, two = closed.made, other.made
    return (
        other.status == "active"
        and one is not two
        and (one.repository, one.target, one.file) == (two.repository, two.target, two.file)
    )


def _grouped(told: Iterable[Waiting]) -> list[list[Waiting]]:
    """What is one message: what one person wrote on one pull request, and that it is ready."""
    groups: dict[object, list[Waiting]] = {}
    review: dict[int, object] = {}
    for each in told:
        key: object = each
        if each.writer:
            key = review[each.made.number] = (each.made.number, each.writer)
        elif each.kind == "ready":
            key = review.get(each.made.number, each)
        groups.setdefault(key, []).append(each)
    return list(groups.values())


def _sentence(group: list[Waiting]) -> str:
    written = [each for each in group if each.writer]
    if not written:
        return group[0].text
    said = [each.said for each in written if each.vote is None]
    votes = [each for each in written if each.vote is not None]
    if len(written) == 1 or not said:
        text = written[-1].text
    else:
        words = ON_MINE if written[0].is_mine else IN_THREAD
        who, pr = MEMBERS[written[0].writer].name, written[0].made.name
        text = _together(who, said, votes[-1].vote if votes else None, words, pr)
        if any(each.calls for each in written):
            text += ", you are mentioned"
    is_ready = any(each.kind == "ready" for each in group)
    return f"{text}. Nothing stands in its way now: you can complete it" if is_ready else text


def _message(group: list[Waiting]) -> tuple[str, ...]:
    first = group[0]
    if first.is_first_ask:
        return ("card", first.made.name)
    written = [each for each in group if each.writer]
    said = [each.said for each in written if each.said]
    lines = _lines(said) if len(written) > 1 else ""
    return tuple(part for part in (_sentence(group), first.note, lines) if part)


def _held(late: list[Waiting]) -> tuple[str, ...]:
    groups = _grouped(late)
    reasons = {each.held for each in late}
    title = HELD[reasons.pop()] if len(reasons) == 1 else "What you have not heard yet: "
    sentences: dict[int, list[str]] = {}
    for group in groups:
        sentences.setdefault(group[0].made.number, []).append(_sentence(group))
    said = [text for texts in sentences.values() for text in texts]
    return (f"{title}{len(groups)} messages", *said)


def _alone_in_thread(who: str, said: list[str], vote: int | None) -> str:
    if vote is None and len(said) == 1:
        return f"{who} commented: {said[0]}"
    return IN_THREAD[vote].format(who=who) if vote is not None and not said else ""


def _together(who: str, said: list[str], vote: int | None, words: dict[int, str], pr: str) -> str:
    count = "1 comment" if len(said) == 1 else f"{len(said)} comments"
    if vote is not None:
        return f"{words[vote].format(who=who, pr=pr)}, with {count}"
    return f"{who} wrote {count}" + (f" on {pr}" if pr else "")


def _lines(said: list[str]) -> str:
    shown = " ".join(f"“{text}”" for text in said[:3])
    return shown + (" …" if len(said) > 3 else "")
