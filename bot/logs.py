"""How Pullcord logs: one line per event to standard error, plain or JSON, no secrets."""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from bot.log_fields import log_fields
from bot.log_text import log_safe
from bot.redaction import Redaction

LogFormat = Literal["plain", "json"]
LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
QUIET = ("apscheduler", "httpx", "httpcore", "msrest", "msal", "urllib3", "alembic", "psycopg")


class PlainFormatter(logging.Formatter):
    """``time LEVEL logger: message [webhook=17 connection=contoso]``, a traceback below it."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__(LINE)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line; redacted as a whole, so that the traceback is too."""
        return self._redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        fields = " ".join(f"{k}={log_safe(str(v))}" for k, v in log_fields().items())
        return f"{line} [{fields}]" if fields else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line.

    Always ``time`` (RFC 3339, UTC), ``level``, ``logger`` and ``message``; ``error`` is a
    traceback; the rest is what the line is about (``webhook``, ``connection``, ``job`` …).
    """

    def __init__(self, redact: Redaction) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The object; each text is redacted before it is quoted."""
        own = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry = {**own, **log_fields(), **own}  # our names first, and nobody takes their place
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = record.stack_info
        clean = {k: self._redact(v) if isinstance(v, str) else v for k, v in entry.items()}
        return json.dumps(clean, ensure_ascii=False)


def configure_logging(
    level: str, log_format: LogFormat = "plain", *, secrets: Iterable[str] = ()
) -> None:
    """Log to standard error at this level; libraries only from WARNING.

    Args:
        level: a name of ``logging``.
        log_format: ``plain`` for people, ``json`` for a log collector.
        secrets: values that must never be written, whoever logs them.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(log_format, Redaction(secrets)))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(log_format: LogFormat, redact: Redaction) -> logging.Formatter:
    """The formatter of a format's name."""
    return JsonFormatter(redact) if log_format == "json" else PlainFormatter(redact)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
