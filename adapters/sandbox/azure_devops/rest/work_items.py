"""Work items: read, found, created, changed; their types, states and comments."""

from __future__ import annotations

from typing import Any

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.processes import WorkItemType
from adapters.sandbox.azure_devops.rest.call import Answer, Call, Route, listing
from adapters.sandbox.azure_devops.timestamps import written
from adapters.sandbox.azure_devops.views import work_items as views
from adapters.sandbox.azure_devops.work_items import wiql
from adapters.sandbox.azure_devops.work_items.model import SandboxWorkItem

BATCH_LIMIT = 200
_PATCH_TYPE = "application/json-patch+json"
_EXPANSIONS = ("none", "relations", "fields", "links", "all")


async def get_work_item(call: Call) -> Answer:
    """Read one work item."""
    item = _item(call)
    only = _split(call.query.get("fields", ""))
    expand = _expansion(call.query.get("$expand"))
    return Answer(views.work_item(call.addresses, item, expand=expand, only=only))


async def list_work_items(call: Call) -> Answer:
    """Read up to 200 work items by ``ids``."""
    ids = _split(call.query.get("ids", ""))
    if not ids or not all(number.isdigit() for number in ids):
        raise errors.invalid_argument("ids must be a comma-separated list of numbers.")
    return _batch(
        call,
        [int(number) for number in ids],
        _split(call.query.get("fields", "")),
        _expansion(call.query.get("$expand")),
        call.query.get("errorPolicy", "fail"),
    )


async def batch_work_items(call: Call) -> Answer:
    """Read up to 200 work items, asked for in the body."""
    body = call.json_object()
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(number, int) for number in ids):
        raise errors.bad_body("ids must be a list of numbers.")
    return _batch(
        call,
        ids,
        list(body.get("fields") or ()),
        _expansion(body.get("$expand")),
        str(body.get("errorPolicy") or "fail"),
    )


async def create_work_item(call: Call) -> Answer:
    """Create a work item of the type in the path (``$Bug``)."""
    _require_patch(call)
    item = call.org.work_items.create(
        call.required_project(),
        call.params["type"],
        call.json_list(),
        call.actor,
        validate_only=call.flag("validateOnly"),
    )
    return Answer(views.work_item(call.addresses, item, expand="all"))


async def update_work_item(call: Call) -> Answer:
    """Change a work item by JSON Patch; ``validateOnly`` changes nothing."""
    _require_patch(call)
    item = _item(call)
    call.org.work_items.patch(
        item,
        call.json_list(),
        call.actor,
        validate_only=call.flag("validateOnly"),
        notify=not call.flag("suppressNotifications"),
    )
    return Answer(views.work_item(call.addresses, item, expand="all"))


async def list_types(call: Call) -> Answer:
    """List the work item types of the project's process."""
    project = call.required_project()
    return listing(
        views.work_item_type(call.addresses, project, kind) for kind in project.work_item_types
    )


async def get_type(call: Call) -> Answer:
    """Read one work item type."""
    project = call.required_project()
    return Answer(views.work_item_type(call.addresses, project, _type(call)))


async def list_states(call: Call) -> Answer:
    """List the states of a type with their categories."""
    return listing(views.state(one) for one in _type(call).states)


async def run_query(call: Call) -> Answer:
    """Run a WIQL query; the answer has ids only, whatever was selected."""
    text = call.json_object().get("query")
    if not isinstance(text, str):
        raise errors.bad_body("The body must have a query.")
    project = call.project()
    query = wiql.parse(text, call.actor, project)
    items = [
        item
        for item in call.org.work_items.all()
        if project in (None, item.project) and call.org.access.sees(call.actor, item.project)
    ]
    numbers = query.run(items)
    by_number = {item.id: item for item in items}
    top = call.integer("$top", len(numbers))
    return Answer(
        {
            "queryType": "flat",
            "queryResultType": "workItem",
            "asOf": written(call.org.clock()),
            "columns": [
                {
                    "referenceName": name,
                    "name": name.rsplit(".", 1)[-1],
                    "url": call.addresses.api(f"wit/fields/{name}"),
                }
                for name in query.columns
            ],
            "workItems": [
                {
                    "id": number,
                    "url": call.addresses.work_item(by_number[number].project, number),
                }
                for number in numbers[:top]
            ],
        }
    )


async def list_comments(call: Call) -> Answer:
    """List comments, newest first; paged by a token in the body."""
    item = _item(call)
    newest_first = list(reversed(item.comments))
    start, top = call.integer("continuationToken", 0), call.integer("$top", 200)
    shown = newest_first[start : start + top]
    view: dict[str, Any] = {
        "totalCount": len(item.comments),
        "count": len(shown),
        "comments": [views.comment(call.addresses, item, said) for said in shown],
    }
    if start + top < len(newest_first):
        url = call.addresses.work_item(item.project, item.id, "/comments")
        view["continuationToken"] = str(start + top)
        view["nextPage"] = f"{url}?continuationToken={start + top}"
    return Answer(view)


async def create_comment(call: Call) -> Answer:
    """Write a comment; api-version 7.2 wants ``format`` in the query."""
    item = _item(call)
    text_format = call.query.get("format", "").lower()
    if text_format not in ("", "html", "markdown"):
        raise errors.invalid_argument("format must be html or markdown.")
    if not text_format and call.query.get("api-version", "").startswith("7.2"):
        raise errors.invalid_argument("The query parameter format is required.")
    said = call.org.work_items.comment(
        item,
        str(call.json_object().get("text") or ""),
        call.actor,
        text_format=text_format or "html",
    )
    return Answer(views.comment(call.addresses, item, said))


def _item(call: Call) -> SandboxWorkItem:
    number = call.number("id")
    item = call.org.work_items.get(number, call.actor)
    if call.project() not in (None, item.project):
        raise errors.work_item_not_found(number)
    return item


def _type(call: Call) -> WorkItemType:
    project = call.required_project()
    kind = project.work_item_type(call.params["type"])
    if kind is None:
        raise errors.work_item_type_not_found(call.params["type"], project.name)
    return kind


def _batch(call: Call, ids: list[int], only: list[str], expand: str, error_policy: str) -> Answer:
    """With ``errorPolicy=omit`` a missing item leaves a null in the list."""
    if len(ids) > BATCH_LIMIT:
        raise errors.too_many_work_items(BATCH_LIMIT)
    if only and expand != "none":
        raise errors.invalid_argument("The expand parameter cannot be used with fields.")
    found: list[dict[str, Any] | None] = []
    for number in ids:
        try:
            item = call.org.work_items.get(number, call.actor)
        except errors.AzureDevOpsError:
            if error_policy.lower() != "omit":
                raise
            found.append(None)
        else:
            found.append(views.work_item(call.addresses, item, expand=expand, only=only))
    return listing(found)


def _expansion(text: Any) -> str:
    wanted = str(text or "none").lower()
    if wanted not in _EXPANSIONS:
        raise errors.invalid_argument(f"$expand must be one of {', '.join(_EXPANSIONS)}.")
    return wanted


def _require_patch(call: Call) -> None:
    if call.content_type != _PATCH_TYPE:
        raise errors.AzureDevOpsError(
            415,
            "VssRequestContentTypeNotSupportedException",
            f"The request indicated a Content-Type of '{call.content_type}' for method type"
            f" '{call.method}' which is not supported. Valid content types for this method are:"
            f" {_PATCH_TYPE}.",
        )


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


ROUTES = (
    Route("GET", "wit/workItems", list_work_items),
    Route("GET", "wit/workItems/{id}", get_work_item),
    Route("PATCH", "wit/workItems/{id}", update_work_item),
    Route("POST", "wit/workItems/${type}", create_work_item),
    Route("POST", "wit/workItemsBatch", batch_work_items),
    Route("GET", "wit/workItemTypes", list_types),
    Route("GET", "wit/workItemTypes/{type}", get_type),
    Route("GET", "wit/workItemTypes/{type}/states", list_states),
    Route("POST", "wit/wiql", run_query),
    Route("GET", "wit/workItems/{id}/comments", list_comments, preview=True),
    Route("POST", "wit/workItems/{id}/comments", create_comment, preview=True),
)
