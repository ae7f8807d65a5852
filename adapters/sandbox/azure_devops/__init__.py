"""An Azure DevOps of our own: real git, the REST API that Pullcord uses, service hooks over HTTP.

It keeps state and gives the awkward answers that the service gives. It depends on nothing else of
Pullcord, so that it cannot share a mistake with the client it is there to try.
"""

from adapters.sandbox.azure_devops.builds import SandboxBuild
from adapters.sandbox.azure_devops.errors import AzureDevOpsError
from adapters.sandbox.azure_devops.faults import Fault, Faults, rate_limit_headers
from adapters.sandbox.azure_devops.git.conflicts import Conflict
from adapters.sandbox.azure_devops.git.objects import FileContent, GitFile, Submodule
from adapters.sandbox.azure_devops.hooks.delivery import (
    PROBATION_SCHEDULE_S,
    RETRY_SCHEDULE_S,
    Hooks,
)
from adapters.sandbox.azure_devops.hooks.events import HookEvent
from adapters.sandbox.azure_devops.hooks.subscriptions import Notification, Subscription
from adapters.sandbox.azure_devops.people import SandboxIdentity
from adapters.sandbox.azure_devops.projects import ZERO_SHA, SandboxProject, SandboxRepository
from adapters.sandbox.azure_devops.pull_requests.model import SandboxPullRequest
from adapters.sandbox.azure_devops.rest.server import RecordedCall
from adapters.sandbox.azure_devops.sandbox import SIGNATURE_HEADER, AzureDevOpsSandbox
from adapters.sandbox.azure_devops.work_items.model import SandboxWorkItem

__all__ = [
    "PROBATION_SCHEDULE_S",
    "RETRY_SCHEDULE_S",
    "SIGNATURE_HEADER",
    "ZERO_SHA",
    "AzureDevOpsError",
    "AzureDevOpsSandbox",
    "Conflict",
    "Fault",
    "Faults",
    "FileContent",
    "GitFile",
    "HookEvent",
    "Hooks",
    "Notification",
    "RecordedCall",
    "SandboxBuild",
    "SandboxIdentity",
    "SandboxProject",
    "SandboxPullRequest",
    "SandboxRepository",
    "SandboxWorkItem",
    "Submodule",
    "Subscription",
    "rate_limit_headers",
]
