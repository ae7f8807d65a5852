"""Counters and gauges for /metrics (Prometheus).

Labels never hold text from outside: names of connections and credentials are the administrator's.
"""

from prometheus_client import Counter, Gauge, Histogram, Info

WEBHOOKS = Counter("pullcord_webhooks_total", "Webhooks by answer", ["status"])
WEBHOOK_S = Histogram(
    "pullcord_webhook_seconds",
    "From a webhook's head to its answer",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
HOOKS_HANDLED = Counter("pullcord_hooks_handled_total", "Stored webhooks by outcome", ["outcome"])
HOOK_LAG_S = Histogram(
    "pullcord_hook_lag_seconds",
    "From a webhook being received to being dealt with",
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1800),
)
MESSAGES = Counter("pullcord_messages_total", "Requests from Teams by answer", ["status"])
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
AZURE_DEVOPS_S = Histogram(
    "pullcord_azure_devops_seconds",
    "How long Azure DevOps took for a call",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
RATE_LIMIT = Gauge(
    "pullcord_azure_devops_rate_limit",
    "Azure DevOps' limit in throughput units, as it said last",
    ["connection", "credential"],
)
RATE_REMAINING = Gauge(
    "pullcord_azure_devops_rate_remaining",
    "Throughput units left of the limit, as Azure DevOps said last",
    ["connection", "credential"],
)
COOLING_S = Gauge(
    "pullcord_azure_devops_cooling_seconds",
    "How long a credential still rests because Azure DevOps asked for it",
    ["connection", "credential"],
)
JOBS = Counter("pullcord_jobs_total", "Jobs by name and outcome", ["name", "outcome"])
JOB_S = Histogram(
    "pullcord_job_seconds",
    "How long a job ran",
    ["name"],
    buckets=(0.05, 0.25, 1, 5, 15, 60, 300),
)
JOB_DONE_AT = Gauge(
    "pullcord_job_done_timestamp_seconds", "When a job last ended well here", ["name"]
)
INBOX = Gauge("pullcord_inbox", "Stored webhooks by state", ["state"])
OUTBOX = Gauge("pullcord_outbox", "Messages to Teams by state", ["state"])
ACTIVITIES = Gauge("pullcord_activities", "Messages from Teams by state", ["state"])
OLDEST_S = Gauge("pullcord_oldest_pending_seconds", "Age of the oldest waiting", ["queue"])
CONFLICTS = Gauge("pullcord_conflicts", "Pull requests with merge conflicts", ["connection"])
CONFLICT_WORK = Gauge("pullcord_conflict_work", "Conflicts to be examined, told or reported")
PAUSED = Gauge("pullcord_connection_paused", "1 while a connection is paused", ["connection"])
CREDENTIALS_FAILING = Gauge(
    "pullcord_credentials_failing", "Credentials that were refused", ["connection"]
)
CREDENTIAL_EXPIRES_AT = Gauge(
    "pullcord_credential_expiry_timestamp_seconds",
    "When a credential expires, where that is known",
    ["connection", "credential"],
)
LAST_HOOK_AT = Gauge(
    "pullcord_last_webhook_timestamp_seconds", "When a webhook last came", ["connection"]
)
LAST_SWEEP_AT = Gauge(
    "pullcord_last_sweep_timestamp_seconds", "When repositories were last swept", ["connection"]
)
BUILD = Info("pullcord_build", "Which Pullcord runs")
