"""Counters for /metrics (Prometheus). Labels never hold text from outside."""

from prometheus_client import Counter, Gauge, Histogram

WEBHOOKS = Counter("pullcord_webhooks_total", "Webhooks by answer", ["status"])
HOOKS_HANDLED = Counter("pullcord_hooks_handled_total", "Stored webhooks by outcome", ["outcome"])
SENDS = Counter("pullcord_sends_total", "Messages to Teams by outcome", ["outcome"])
SEND_LAG_S = Histogram(
    "pullcord_send_lag_seconds",
    "From being queued to being in Teams",
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1800),
)
COMMANDS = Counter("pullcord_commands_total", "Commands by name and outcome", ["name", "outcome"])
AZURE_DEVOPS_CALLS = Counter(
    "pullcord_azure_devops_calls_total", "Calls to Azure DevOps by status class", ["status"]
)
JOBS = Counter("pullcord_jobs_total", "Jobs by name and outcome", ["name", "outcome"])
INBOX = Gauge("pullcord_inbox", "Stored webhooks by state", ["state"])
OUTBOX = Gauge("pullcord_outbox", "Messages to Teams by state", ["state"])
OLDEST_S = Gauge("pullcord_oldest_pending_seconds", "Age of the oldest waiting", ["queue"])
