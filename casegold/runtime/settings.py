"""The settings of an installation, read from `CASEGOLD_*` variables, and the addresses derived from them.

Each setting has a default, a check and a description here. Not here: what the control database keeps (such as the
business clock after the first start), and how local servers are run (`servers`).
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, NoReturn, Self
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from casegold.control.installation import parse_clock
from casegold.domain import failpoints
from casegold.domain.errors import CasegoldError, ConfigurationError, SourceUnavailable
from casegold.domain.events import DEFAULT_SOURCE
from casegold.runtime import logs
from casegold.runtime.addresses import administrator_url, read_addresses
from casegold.runtime.shipped import DATASET_CONTRACTS

PREFIX = "CASEGOLD_"

IDLE_SECONDS = 60
"""PostgreSQL ends a transaction that is idle for so long: a stopped or disconnected process must not keep its locks.
The longest intended pause is 30 s, in the relay, which waits for Kafka."""

LOCK_SECONDS = 300
"""Longest wait for a lock in PostgreSQL. An idle transaction ends long before; the rest is for a queue of waiters."""

_LOCK_WAIT = f"-clock_timeout={LOCK_SECONDS}s"

OWNER_URL = f"{PREFIX}POSTGRES_OWNER_URL"

_SHARED_PARAMETERS = {"host", "hostaddr", "port", "sslmode", "sslrootcert", "channel_binding", "target_session_attrs"}
"""Parameters of the database's address that are passed on to a person; any other may be a secret."""


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links that may move


def _not_empty(path: object) -> object:
    if path == "":
        raise ValueError("is empty, which would mean the current directory; unset it, or name a directory")
    return path


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/London") from error
    return name


def _clock(text: str) -> str:
    try:
        parse_clock(text)
    except CasegoldError as error:
        raise ValueError(str(error)) from error
    return text


def _postgres(url: str) -> str:
    if urlsplit(url).scheme != "postgresql":
        raise ValueError("not an address such as postgresql://user:password@host:5432/database")
    return url


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("not an address such as https://casegold.example.org")
    return url.rstrip("/")


AbsolutePath = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(_absolute)]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]


class Settings(BaseSettings):
    """The settings of one installation. Each field is the environment variable `CASEGOLD_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    home: AbsolutePath = Field(
        default=Path(".casegold"), validate_default=True, description="Directory of all local files: servers, spill."
    )
    postgres_url: Annotated[str, AfterValidator(_postgres)] | None = Field(
        default=None,
        repr=False,
        description="Address of the database (control state, Iceberg catalog, Dagster) with the login that runs the"
        " platform; unset: the local server.",
    )
    postgres_owner_url: Annotated[str, AfterValidator(_postgres)] | None = Field(
        default=None,
        repr=False,
        description="Address of the same database with its owner's login. Only `casegold up`, `user`, `backup` and"
        " `restore` need it; no other process may have it. Unset: the local server's administrator.",
    )
    kafka_bootstrap: str | None = Field(
        default=None, description="Kafka brokers, host:port[,host:port]; unset: the local broker."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Security protocol for Kafka."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="SASL mechanism for Kafka; required with SASL_*."
    )
    kafka_sasl_username: str | None = Field(default=None, description="User name for Kafka; required with SASL_*.")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="Password for Kafka; required with SASL_*.")
    kafka_ssl_ca_location: AbsolutePath | None = Field(
        default=None, description="PEM file of the CA that signed the brokers' certificates."
    )
    warehouse: str | None = Field(
        default=None, description="Root of the Iceberg files as a URL; unset: `warehouse` in the home directory."
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="UTC", description="Business time zone (IANA); fixed at the first start."
    )
    first_date: date | None = Field(default=None, description="First business date; unset: the one in the contracts.")
    contracts_dir: AbsolutePath = Field(
        default=DATASET_CONTRACTS,
        description="Directory of contracts: of events and totals, and replacements for those of shipped products.",
    )
    products_dir: AbsolutePath | None = Field(
        default=None, description="Directory of your own products, one folder each: SQL and a contract, no Python."
    )
    business_clock: Annotated[str, AfterValidator(_clock)] = Field(
        default="system",
        description="`system`, or the ISO 8601 instant at which the business clock stands still. Used at the first"
        " start only; later, use `casegold clock`.",
    )
    events_topic: TopicName = Field(default="regulatory.case.events.v2", description="Topic of the case events.")
    plain_source: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        default=DEFAULT_SOURCE,
        description="Source of events in the plain encoding, which has no source field; the contract must declare it.",
    )
    totals_topic: TopicName = Field(
        default="regulatory.case.event-counts.v1", description="Topic of the sources' control totals."
    )
    outbox_topic_prefix: TopicName = Field(
        default="outbox.event.", description="Prefix of the topics that announce datasets and backfills."
    )
    backfill_requests_topic: TopicName = Field(
        default="regulatory.backfill.requests.v1", description="Topic for other systems' requests for backfills."
    )
    events_dlq_topic: TopicName = Field(
        default="regulatory.case.events.dlq.v1",
        description="Dead-letter topic of rejected events, announcements and backfill requests.",
    )
    totals_dlq_topic: TopicName = Field(
        default="regulatory.case.event-counts.dlq.v1", description="Dead-letter topic of rejected control totals."
    )
    events_partitions: PositiveInt = Field(
        default=3, description="Partitions of the events topic when it is created; later changes are not applied."
    )
    ingest_chunk_records: PositiveInt = Field(
        default=250_000, description="Maximum Kafka records per ingest commit; bounds memory."
    )
    ingest_run_records: PositiveInt = Field(default=1_000_000, description="Maximum Kafka records per ingest run.")
    duckdb_memory_limit: str = Field(
        default="4GB",
        pattern=r"^[0-9]+(\.[0-9]+)?\s?[KMGT]i?B$",
        description="Memory limit of a run's DuckDB; beyond it, DuckDB spills to disk.",
    )
    duckdb_threads: PositiveInt = Field(default=2, description="Threads of a run's DuckDB.")
    run_lease_seconds: PositiveInt = Field(
        default=90, description="Seconds without a heartbeat after which a Dagster run counts as dead."
    )
    verification_sample: PositiveInt = Field(
        default=10,
        description="Official partitions per dataset to verify every night, those verified longest ago first.",
    )
    launcher: Literal["in-process", "subprocess"] = Field(
        default="in-process",
        description="Where an attempt runs: in the process that launches it, or in a subprocess.",
    )
    ui_address: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None,
        description="Address (https://host) of a reverse proxy with a login in front of Dagster's UI; unset: no proxy.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING",
        description="Level of casegold's own log on standard error, Kafka clients included.",
    )
    person: str | None = Field(default=None, description="Login of the person who runs a command; `--as` overrides it.")
    person_password: SecretStr | None = Field(
        default=None, description="Password of that login; unset: from ~/.pgpass, or typed at the terminal."
    )
    maven_url: str = Field(
        default="https://repo1.maven.org/maven2",
        pattern=r"^https?://",
        description="Maven repository for the local broker's jars; each is checked by its SHA-256.",
    )
    failpoint: str = Field(
        default="", description="For tests: where this process fails, as `name:kind`; see `casegold failpoints`."
    )
    jar_cache: AbsolutePath = Field(
        default=Path("~/.cache/casegold/jars"),
        validate_default=True,
        description="Directory where those jars are cached.",
    )

    @model_validator(mode="after")
    def _log_in_is_complete(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL_"):
            for name in ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password"):
                if getattr(self, name) is None:
                    raise ValueError(f"{PREFIX}{name.upper()} is required with {self.kafka_security_protocol}")
        return self

    def control_url(self) -> str:
        """The control schema, for psycopg 3. Raises SourceUnavailable if the local server was never started."""
        return _in_schema(self.database_url(), "casegold", _impatient(), _LOCK_WAIT)

    def owner_url(self) -> str:
        """The control schema with the login of the database's owner, who migrates it and creates people's logins.

        Raises:
            ConfigurationError: the server is external and its owner's address is not set.
            SourceUnavailable: the local server was never started.
        """
        local = administrator_url(self.home) if self.postgres_url is None else None
        url = self.postgres_owner_url or local
        if url is None and self.postgres_url is not None:
            raise ConfigurationError(
                f"{OWNER_URL} is not set: this command needs the owner's login, not the one that runs the platform",
                remedy="set it for this command only; docs/security.md shows how to create both logins",
            )
        return _in_schema(url or self._never_started(OWNER_URL), "casegold", _impatient())

    def platform_login(self) -> str:
        """The login that runs the platform. Raises like `control_url`."""
        return unquote(urlsplit(self.database_url()).username or "")

    def person_url(self, login: str, password: str | None) -> str:
        """The control schema with a person's login; without a password, libpq reads ~/.pgpass. Raises as above."""
        parts = urlsplit(_in_schema(self.database_url(), "casegold", _impatient()))
        user = quote(login, safe="") + (f":{quote(password, safe='')}" if password is not None else "")
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))

    def dagster_url(self) -> str:
        """Dagster's schema, for SQLAlchemy with psycopg2. Raises like `control_url`."""
        return _in_schema(self.database_url(), "dagster")

    def catalog_url(self) -> str:
        """The schema of the Iceberg catalog, for SQLAlchemy with psycopg2. Raises like `control_url`."""
        url = _in_schema(self.database_url(), "iceberg", _impatient(), _LOCK_WAIT)
        return url.replace("postgresql://", "postgresql+psycopg2://", 1)

    def reader_url(self, login: str) -> str:
        """The schema of the Iceberg catalog with a person's login; libpq finds the password. Raises as above.

        Keeps only those parameters of the platform's address that name the server and its certificate.
        """
        parts = urlsplit(self.database_url())
        shared = {name: values[-1] for name, values in parse_qs(parts.query).items() if name in _SHARED_PARAMETERS}
        place = parts.netloc.rpartition("@")[2]
        plain = parts._replace(netloc=f"{quote(login, safe='')}@{place}", query=urlencode(shared), fragment="")
        return _in_schema(urlunsplit(plain), "iceberg")

    def warehouse_url(self) -> str:
        """Root URL of the Iceberg files, without a trailing slash."""
        return self.warehouse.rstrip("/") if self.warehouse else (self.home / "warehouse").as_uri()

    def kafka_config(self) -> dict[str, str | int]:
        """Connection properties for any confluent-kafka client.

        Raises:
            SourceUnavailable: no brokers are set, and the local broker was never started.
        """
        config: dict[str, str | int] = {
            "bootstrap.servers": self.brokers(),
            "security.protocol": self.kafka_security_protocol,
        }
        if self.kafka_security_protocol.startswith("SASL_") and self.kafka_sasl_password is not None:
            config["sasl.mechanism"] = str(self.kafka_sasl_mechanism)
            config["sasl.username"] = str(self.kafka_sasl_username)
            config["sasl.password"] = self.kafka_sasl_password.get_secret_value()
        if self.kafka_ssl_ca_location is not None:
            config["ssl.ca.location"] = str(self.kafka_ssl_ca_location)
        return config

    def topics(self) -> dict[str, int]:
        """Every topic of the installation, with the number of partitions to create it with."""
        return {
            self.events_topic: self.events_partitions,
            self.totals_topic: 1,
            **dict.fromkeys(self.announcement_topics(), 1),
            self.backfill_requests_topic: 1,
            self.events_dlq_topic: 1,
            self.totals_dlq_topic: 1,
        }

    def announcement_topics(self) -> tuple[str, ...]:
        """The topics that the relay sends to: one for datasets, one for backfills and waivers."""
        return tuple(f"{self.outbox_topic_prefix}{kind}" for kind in ("dataset", "backfill"))

    def database_url(self) -> str:
        """The database without a schema. Raises SourceUnavailable if the local server was never started."""
        known = read_addresses(self.home)
        return self.postgres_url or (known and known.postgres_url) or self._never_started("CASEGOLD_POSTGRES_URL")

    def brokers(self) -> str:
        """The Kafka brokers. Raises SourceUnavailable if the local broker was never started."""
        known = read_addresses(self.home)
        return (
            self.kafka_bootstrap or (known and known.kafka_bootstrap) or self._never_started("CASEGOLD_KAFKA_BOOTSTRAP")
        )

    def _never_started(self, variable: str) -> NoReturn:
        raise SourceUnavailable(
            f"{variable} is not set, and no local server was ever started in {self.home}",
            remedy=f"run `casegold up`, or set {variable} to your own server",
        )


def load_settings() -> Settings:
    """Read the settings from the environment. Also arms the fail point, if one is set, and sets the log level.

    Raises:
        ConfigurationError: a `CASEGOLD_*` variable is no setting, or a value is invalid. The message names it.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name not in known)
    if unknown:
        raise ConfigurationError(
            f"not a setting: {', '.join(unknown)}", remedy="unset it; docs/settings.md lists the settings"
        )
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{_variable(problem['loc'])}{problem['msg']}" for problem in error.errors())
        raise ConfigurationError(
            f"settings are wrong: {wrong}", remedy="correct it; docs/settings.md lists the settings"
        ) from error
    failpoints.arm(settings.failpoint)
    logs.set_level(settings.log_level)
    return settings


def _variable(location: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{str(location[0]).upper()}: " if location else ""


def _impatient() -> str:
    return f"-cidle_in_transaction_session_timeout={IDLE_SECONDS}s"


def _in_schema(url: str, schema: str, *more: str) -> str:
    """The same database with only this schema on the search path, and time zone UTC."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    options = " ".join([*query.get("options", []), f"-csearch_path={schema}", "-ctimezone=UTC", *more])
    flat = {name: values[-1] for name, values in query.items()} | {"options": options}
    # libpq reads %20, not a plus sign, as a space.
    return urlunsplit(parts._replace(query=urlencode(flat).replace("+", "%20")))
