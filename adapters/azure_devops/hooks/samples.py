"""Telling the Test button's sample bodies from real ones.

The button sends Microsoft's sample (Jamal Hartnett at Fabrikam), the same for everybody. Names
prove nothing, as an organisation may be called Fabrikam: only the sample's own GUIDs count.
"""

from adapters.azure_devops.envelope import HookEnvelope
from adapters.azure_devops.fields import Fields, value_of

SAMPLE_CONTAINERS = {
    "collection": "c12d0eb8-e382-443b-9f9c-c52cba5014c2",
    "account": "f844ec47-a9db-4511-8281-8b63f4eaf94e",
}

SAMPLE_REPOSITORIES = frozenset(
    {
        "4bc14d40-c903-45e2-872e-0462c7748079",  # pull requests and their comments
        "278d5cd2-584d-4b63-824a-2ba458937249",  # pushes and repository events
    }
)

SAMPLE_EVENTS = frozenset(
    {
        "03c164c2-8912-4d5e-8009-3707d5f83734",  # git.push
        "2ab4e3d3-b7a6-425e-92b1-5a9982c1269e",  # git.pullrequest.created
        "af07be1b-f3ad-44c8-a7f1-c4835f2df06b",  # git.pullrequest.updated, comment event
        "6872ee8c-b333-4eff-bfb9-0d5274943566",  # git.pullrequest.merged
        "4a5d99d6-1c75-4e53-91b9-ee80057d4ce3",  # build.complete
        "d2d46fb1-dba5-403c-9373-427583f19e8c",  # workitem.created
        "27646e0e-b520-4d2b-9411-bba7524947cd",  # workitem.updated
        "fb2617ed-60df-4518-81fa-749faa6c5cd6",  # workitem.commented
    }
)


def is_sample(body: Fields, head: HookEnvelope) -> bool:
    """Whether this body is the Test button's sample."""
    if head.event_id.lower() in SAMPLE_EVENTS:
        return True
    containers = value_of(body.members, "resourceContainers")
    return _in_sample_place(containers) or _in_sample_repository(value_of(body.members, "resource"))


def _in_sample_place(containers: object) -> bool:
    if not isinstance(containers, dict):
        return False
    return any(_id_of(containers.get(place)) == guid for place, guid in SAMPLE_CONTAINERS.items())


def _in_sample_repository(resource: object) -> bool:
    if not isinstance(resource, dict):
        return False
    pull_request = resource.get("pullRequest")
    repositories = (
        resource.get("repository"),
        pull_request.get("repository") if isinstance(pull_request, dict) else None,
        {"id": resource.get("repositoryId")},
    )
    return any(_id_of(repository) in SAMPLE_REPOSITORIES for repository in repositories)


def _id_of(thing: object) -> str:
    found = value_of(thing, "id") if isinstance(thing, dict) else None
    return found.lower() if isinstance(found, str) else ""
