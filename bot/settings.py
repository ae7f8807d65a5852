"""Settings: environment variables ``PULLCORD_…`` first, then ``pullcord.toml``, then defaults."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

CONFIG_FILE = "pullcord.toml"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
MICROSOFT_LOGIN = "https://login.microsoftonline.com"
MICROSOFT_OPENID = "https://login.botframework.com/v1/.well-known/openidconfiguration"
MICROSOFT_ISSUER = "https://api.botframework.com"

_List = Annotated[tuple[str, ...], NoDecode]


class SettingsError(Exception):
    """A setting is missing or wrong; ``str()`` names it and says what to do. Holds no secret."""


class Settings(BaseSettings):
    """Every setting of Pullcord. Field ``teams_app_id`` is ``PULLCORD_TEAMS_APP_ID``."""

    model_config = SettingsConfigDict(
        env_prefix="PULLCORD_",
        toml_file=CONFIG_FILE,
        extra="forbid",
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    database_url: SecretStr = Field(
        SecretStr("sqlite:///pullcord.db"),
        description="SQLite file, or `postgresql://user:password@host/name`",
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(3978, ge=0, le=65535, description="port to listen on")
    health_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="port for `/healthz`, `/readyz` and `/metrics` alone; 0: with the others",
    )
    public_url: str = Field(
        "", description="where Azure DevOps and Teams reach us; for hooks and the manifest"
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="encrypts stored credentials; `pullcord secret-key` makes one; "
        "several, comma-separated: the first encrypts, all decrypt",
    )
    administrators: _List = Field(
        (),
        description="mails of those who may do everything and confirm identities, comma-separated",
    )
    maintainers: _List = Field(
        (), description="mails of those who may also say who may do what in a conversation"
    )
    readers: _List = Field((), description="mails of those who may only look")
    everybody_role: Literal["nobody", "reader", "member", "maintainer"] = Field(
        "member", description="role of people of the own tenant for whom nothing else is said"
    )
    guest_role: Literal["nobody", "reader", "member"] = Field(
        "nobody", description="role of guests and of people of other tenants"
    )
    project_roles: bool = Field(
        True,
        description="project administrators of Azure DevOps are maintainers, its readers readers",
    )

    teams_app_id: str = Field("", description="application (client) id of the bot")
    teams_app_password: SecretStr = Field(SecretStr(""), description="its client secret")
    teams_app_type: Literal["SingleTenant", "MultiTenant", "UserAssignedMSI"] = Field(
        "SingleTenant", description="SingleTenant, MultiTenant or UserAssignedMSI"
    )
    teams_tenant_id: str = Field("", description="the bot's own tenant")
    teams_allowed_tenants: _List = Field((), description="tenants that may talk to it; own tenant")
    teams_service_hosts: _List = Field(
        (), description="hosts that messages may be sent to; Microsoft's"
    )
    teams_openid_metadata_url: str = Field(
        MICROSOFT_OPENID, description="signing keys of Teams; sovereign clouds, tests"
    )
    teams_token_issuer: str = Field(MICROSOFT_ISSUER, description="issuer of Teams' tokens")
    teams_login_url: str = Field(MICROSOFT_LOGIN, description="where our own tokens come from")
    teams_unauthenticated: Literal["no", "loopback"] = Field(
        "no", description="`loopback`: for a local Teams client; refused unless HOST is loopback"
    )
    teams_sends_per_second: int = Field(
        30, ge=1, le=50, description="messages per second over all conversations"
    )

    publisher_name: str = Field(
        "Pullcord", description="who publishes the app, as Teams shows it; for the manifest"
    )
    publisher_url: str = Field(
        "", description="https page of your team or company; the manifest needs it"
    )
    publisher_privacy_url: str = Field(
        "", description="https page about privacy; PULLCORD_PUBLISHER_URL"
    )
    publisher_terms_url: str = Field(
        "", description="https page with the terms of use; PULLCORD_PUBLISHER_URL"
    )

    channel_subscribers: Literal["members", "owners"] = Field(
        "members",
        description="who may change what a channel follows; owners are those who added the app to "
        "the team, and administrators",
    )
    sweep_minutes: float = Field(
        5, gt=0, description="how often active pull requests are read again"
    )
    conflict_flap_seconds: float = Field(
        300, ge=0, description="a conflict back within this time is no new one"
    )
    review_window_seconds: float = Field(
        60, ge=0, description="votes and comments of one person within it are one message"
    )
    quiet_hours: bool = Field(
        True,
        description="direct messages wait for working hours, unless a person chooses otherwise",
    )
    group_reviewers: Literal["rotation", "members", "nobody"] = Field(
        "rotation", description="who of a group is told that its review is asked for"
    )
    radar_minutes: float = Field(
        10, gt=0, description="how often the radar looks at what its budget left over"
    )
    radar_calls_per_hour: int = Field(
        600,
        ge=0,
        description="of the radar to each Azure DevOps; 0 switches it off everywhere",
    )
    keep_webhooks_days: int = Field(
        30, ge=1, description="how long webhook bodies are kept once they were handled"
    )
    keep_messages_days: int = Field(
        30, ge=1, description="how long what people wrote to the bot is kept"
    )
    keep_sent_days: int = Field(90, ge=8, description="how long what was sent is remembered")
    keep_audit_days: int = Field(0, ge=0, description="how long the audit is kept; 0: for ever")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="how much is logged"
    )
    log_format: Literal["plain", "json"] = Field(
        "plain", description="`json`: one object per line, for a log collector"
    )

    @field_validator("administrators", "maintainers", "readers", mode="before")
    @classmethod
    def _lower_mails(cls, value: object) -> object:
        return tuple(mail.lower() for mail in _split(value)) if value else ()

    @field_validator("teams_allowed_tenants", "teams_service_hosts", mode="before")
    @classmethod
    def _split_lists(cls, value: object) -> object:
        return _split(value) if value else ()

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _unauthenticated_only_on_loopback(self) -> "Settings":
        if self.teams_unauthenticated == "loopback" and self.host not in LOOPBACK_HOSTS:
            raise ValueError(
                "PULLCORD_TEAMS_UNAUTHENTICATED=loopback lets anybody who reaches the port give "
                "commands; it is refused unless PULLCORD_HOST is 127.0.0.1, ::1 or localhost"
            )
        return self

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys for stored credentials, the encrypting one first."""
        return tuple(_split(self.secret_key.get_secret_value()))

    def secrets(self) -> tuple[str, ...]:
        """What must never be logged: every secret value, of the database's URL the password."""
        database = self.database_url.get_secret_value()
        password = urlsplit(database).password if "://" in database else None
        return (
            *self.secret_keys,
            self.teams_app_password.get_secret_value(),
            *((password, unquote(password)) if password else ()),
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; no .env, no secrets folder."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment and ``pullcord.toml`` in the working directory.

    Raises SettingsError naming each setting that is wrong, without its value.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # fields are checked by pydantic
    except ValidationError as error:
        raise SettingsError(_in_plain_words(error)) from None
    except ValueError as error:  # a broken TOML file
        raise SettingsError(f"{Path(CONFIG_FILE)} cannot be read: {error}") from None


def _split(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError("must be a list, or text with commas")
    return tuple(part.strip() for part in parts if str(part).strip())


def _in_plain_words(error: ValidationError) -> str:
    problems = []
    for problem in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "is not a setting of Pullcord"
        problems.append(f"PULLCORD_{name.upper()}: {message}" if name else message)
    return "; ".join(problems)
