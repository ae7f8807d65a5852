"""All commands, one line of registration each, in the order of help and of the manifest."""

from bot.commands import (
    confirm,
    conflicts,
    connect,
    connections,
    link_me,
    link_ticket,
    prs,
    repositories,
    reviews,
    roles,
    snooze_conflict,
    start_ticket,
    status,
    subscribe,
    subscriptions,
    sync_pull_request,
    ticket,
    unsubscribe,
    use,
    whoami,
)
from bot.commands.help import help_command
from bot.commands.registry import Registry

_COMMANDS = (
    start_ticket.COMMAND,
    sync_pull_request.COMMAND,
    prs.COMMAND,
    reviews.COMMAND,
    ticket.COMMAND,
    subscribe.COMMAND,
    subscriptions.COMMAND,
    unsubscribe.COMMAND,
    whoami.COMMAND,
    conflicts.COMMAND,
    snooze_conflict.COMMAND,
    link_ticket.LINK,
    link_ticket.UNLINK,
    use.COMMAND,
    status.COMMAND,
    connect.COMMAND,
    repositories.COMMAND,
    roles.ROLES,
    roles.ROLE,
    link_me.COMMAND,
    confirm.COMMAND,
    connections.COMMAND,
)

REGISTRY = Registry([help_command(_COMMANDS), *_COMMANDS])
