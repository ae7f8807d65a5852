"""Connection data, projects, identities, builds and policy evaluations."""

from __future__ import annotations

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.people import People, SandboxIdentity
from adapters.sandbox.azure_devops.rest.call import Answer, Call, Route, listing, page
from adapters.sandbox.azure_devops.views import builds, git
from adapters.sandbox.azure_devops.views import people as views
from adapters.sandbox.azure_devops.views.pull_requests import policy_evaluation

_CODE_REVIEW = "vstfs:///codereview/codereviewid/"
_BUILD_ORDERS = frozenset(
    f"{what}time{way}"
    for what in ("finish", "queue", "start")
    for way in ("ascending", "descending")
)


async def connection_data(call: Call) -> Answer:
    """Say who the caller is."""
    return Answer(views.connection_data(call.addresses, call.actor, call.org.instance_id))


async def list_projects(call: Call) -> Answer:
    """List the projects that the caller sees, by name."""
    seen = [p for p in call.org.projects.values() if call.org.access.sees(call.actor, p)]
    seen.sort(key=lambda project: project.name.casefold())
    token = call.integer("continuationToken", 0)
    top = call.integer("$top", 100)
    shown = seen[token : token + top]
    more = token + top < len(seen)
    headers = {"x-ms-continuationtoken": str(token + top)} if more else None
    return listing((git.project(call.addresses, one) for one in shown), headers)


async def get_project(call: Call) -> Answer:
    """Read one project by name or GUID."""
    project = call.org.project(call.params["id"], call.actor)
    view = git.project(call.addresses, project)
    if call.flag("includeCapabilities"):
        view["capabilities"] = {
            "versioncontrol": {"sourceControlType": "Git"},
            "processTemplate": {"templateName": project.process},
        }
    view["_links"] = {"self": {"href": view["url"]}}
    return Answer(view)


async def search_identities(call: Call) -> Answer:
    """Find identities by text, GUIDs or descriptors."""
    people = list(call.org.people)
    text = call.query.get("filterValue", "").casefold()
    ids = _split(call.query.get("identityIds", ""))
    descriptors = _split(call.query.get("subjectDescriptors", ""))
    legacy = _split(call.query.get("descriptors", ""))
    if legacy:
        found = [person for person in people if views.descriptor(person) in legacy]
    elif ids:
        found = [person for person in people if person.id in ids]
    elif descriptors:
        found = [person for person in people if person.descriptor in descriptors]
    elif text:
        kind = call.query.get("searchFilter", "General").casefold()
        found = [
            person
            for person in people
            if text == person.mail.casefold()
            or (kind != "mailaddress" and text == person.unique_name.casefold())
            or (kind in ("general", "displayname") and person.display_name.casefold() == text)
            or (kind == "general" and person.display_name.casefold().startswith(text))
            # A group's account is its name without the project.
            or (kind == "general" and person.unique_name.rpartition("\\")[2].casefold() == text)
        ]
    else:
        raise errors.invalid_argument("Give identityIds, subjectDescriptors or filterValue.")
    membership = call.query.get("queryMembership", "none").casefold()
    return listing(
        {
            **views.identity(person, member_of=_groups_up(call, person, membership)),
            "memberIds": [] if membership == "none" else _people_in(call.org.people, person),
        }
        for person in found
    )


def _people_in(people: People, group: SandboxIdentity) -> list[str]:
    """Return the ids of a group's members and of the members of groups in it."""
    found: dict[str, None] = {}
    waiting = list(group.member_ids)
    while waiting:
        member_id = waiting.pop(0)
        if member_id in found:
            continue
        found[member_id] = None
        member = people.by_id(member_id)
        waiting += member.member_ids if member else ()
    return list(found)


def _groups_up(call: Call, person: SandboxIdentity, query: str) -> list[SandboxIdentity]:
    """The groups that ``queryMembership`` asks for: none, the direct ones, or all above."""
    if query not in ("direct", "expanded", "expandedup"):
        return []
    found = call.org.people.groups_of(person)
    for group in found if query != "direct" else ():
        found += [each for each in call.org.people.groups_of(group) if each not in found]
    return found


async def list_builds(call: Call) -> Answer:
    """List finished builds; ``branchName``, ``definitions`` and the results filter.

    The order is by ``queryOrder``, by default the last one first; more are read with
    ``continuationToken``.
    """
    project = call.required_project()
    branch = call.query.get("branchName")
    definitions = _split(call.query.get("definitions", ""))
    statuses = _split(call.query.get("statusFilter", "all").casefold())
    results = _split(call.query.get("resultFilter", "").casefold())
    order = call.query.get("queryOrder", "finishTimeDescending").casefold()
    if order not in _BUILD_ORDERS:
        raise errors.invalid_argument(f"The queryOrder '{order}' is unknown.")
    found = [
        build
        for build in call.org.builds.values()
        if build.repository.project is project
        and branch in (None, build.source_branch)
        and (not definitions or str(build.definition_id) in definitions)
        and not {"all", "completed"}.isdisjoint(statuses)
        and (not results or build.result.casefold() in results)
    ]
    found.sort(key=lambda one: (one.finished, one.id), reverse=order.endswith("descending"))
    token = call.integer("continuationToken", 0)
    top = min(call.integer("$top", 1000), 5000)
    more = token + top < len(found)
    headers = {"x-ms-continuationtoken": str(token + top)} if more else None
    shown = found[token : token + top]
    return listing((builds.build(call.addresses, build) for build in shown), headers)


async def get_build(call: Call) -> Answer:
    """Read one build."""
    build = call.org.builds.get(call.number("build"))
    if build is None or build.repository.project is not call.required_project():
        raise errors.AzureDevOpsError(
            404,
            "BuildNotFoundException",
            f"The requested build {call.params['build']} could not be found.",
            namespace="Microsoft.TeamFoundation.Build.WebApi",
        )
    return Answer(builds.build(call.addresses, build))


async def list_evaluations(call: Call) -> Answer:
    """List policy evaluations of a pull request, named by its CodeReview artifact."""
    project = call.required_project()
    artifact = call.query.get("artifactId", "").casefold()
    prefix = f"{_CODE_REVIEW}{project.id}/"
    number = artifact.removeprefix(prefix)
    if not artifact.startswith(prefix) or not number.isdigit():
        raise errors.invalid_argument(
            "artifactId must be vstfs:///CodeReview/CodeReviewId/{projectId}/{pullRequestId}."
        )
    found = call.org.pull_request(int(number), call.actor, project=project)
    everything = call.flag("includeNotApplicable")
    verdicts = [one for one in found.policies if everything or one.status != "notApplicable"]
    shown = page(call, verdicts, default=1000, maximum=1000)
    return listing(policy_evaluation(call.addresses, found, one) for one in shown)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


ROUTES = (
    Route("GET", "connectionData", connection_data, preview=True, version_optional=True),
    Route("GET", "projects", list_projects),
    Route("GET", "projects/{id}", get_project),
    Route("GET", "identities", search_identities),
    Route("GET", "build/builds", list_builds),
    Route("GET", "build/builds/{build}", get_build),
    Route("GET", "policy/evaluations", list_evaluations, preview=True),
)
