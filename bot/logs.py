"""How Pullcord logs: one line per event to standard error, no secrets."""

import logging
import re

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
QUIET = ("apscheduler", "httpx", "httpcore", "msrest", "msal", "urllib3", "alembic")
_SECRET = re.compile(
    r"(?i)((?:authorization|x-ado-signature|password|client_secret|secret|token)"
    r"[\"']?\s*[:=]\s*[\"']?(?:basic |bearer )?)[^\s\"',}]+"
)


class SecretFilter(logging.Filter):
    """The last net: what looks like a secret beside its name is not written."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's message; never drops it."""
        text = record.getMessage()
        clean = _SECRET.sub(r"\1…", text)
        if clean != text:
            record.msg, record.args = clean, ()
        return True


def configure_logging(level: str) -> None:
    """Log to standard error at this level; libraries only from WARNING."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(LINE))
    handler.addFilter(SecretFilter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
