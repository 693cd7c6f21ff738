"""The settings of an installation, read from `CASEGOLD_*` variables, and the addresses that follow from them.

Here belongs: what an operator may set, its default and its check. Not here: facts that the control database keeps (the
business clock after the first start) and how the local servers are run (`servers`).
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
"""A process that stops within a transaction, or that the network lost, keeps its locks in Postgres no longer than this.
The longest pause that is meant is the relay's, which waits 30 s for Kafka."""

LOCK_SECONDS = 300
"""Longest wait for a lock in Postgres: an idle transaction ends long before; the rest is for those in the queue."""

_LOCK_WAIT = f"-clock_timeout={LOCK_SECONDS}s"

OWNER_URL = f"{PREFIX}POSTGRES_OWNER_URL"

_SHARED_PARAMETERS = {"host", "hostaddr", "port", "sslmode", "sslrootcert", "channel_binding", "target_session_attrs"}
"""Parameters of the database's address that a person needs, too; any other may be a secret."""


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
    """One installation. Every field is the variable `CASEGOLD_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    home: AbsolutePath = Field(
        default=Path(".casegold"), validate_default=True, description="Directory of everything local: servers, spill."
    )
    postgres_url: Annotated[str, AfterValidator(_postgres)] | None = Field(
        default=None,
        repr=False,
        description="Database of control state, catalog and Dagster, for the login that runs the platform; unset: the"
        " local server.",
    )
    postgres_owner_url: Annotated[str, AfterValidator(_postgres)] | None = Field(
        default=None,
        repr=False,
        description="The same database for its owner; only `casegold up` and `casegold user` need it, no other process"
        " may have it. Unset: the local server's administrator.",
    )
    kafka_bootstrap: str | None = Field(
        default=None, description="Kafka brokers, host:port[,host:port]; unset: the local broker."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to talk to Kafka."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="How to log in to Kafka; needed with SASL_*."
    )
    kafka_sasl_username: str | None = Field(default=None, description="User at Kafka; needed with SASL_*.")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="Password at Kafka; needed with SASL_*.")
    kafka_ssl_ca_location: AbsolutePath | None = Field(
        default=None, description="PEM file of the authority that signed the brokers' certificates."
    )
    warehouse: str | None = Field(
        default=None, description="Root of the Iceberg files as a URL; unset: `warehouse` in the home directory."
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="UTC", description="Business time zone (IANA); fixed at the first start."
    )
    first_date: date | None = Field(
        default=None, description="First business date; unset: what the contract of the events says."
    )
    contracts_dir: AbsolutePath = Field(
        default=DATASET_CONTRACTS, description="Contracts of events and totals, and those that replace a product's own."
    )
    products_dir: AbsolutePath | None = Field(
        default=None, description="Directory of products of your own, a folder each: SQL and contract, no Python."
    )
    business_clock: Annotated[str, AfterValidator(_clock)] = Field(
        default="system",
        description="`system`, or the ISO 8601 instant at which the clock stands; used at the first start only.",
    )
    events_topic: TopicName = Field(default="regulatory.case.events.v2", description="Topic of the case events.")
    plain_source: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        default=DEFAULT_SOURCE,
        description="Source of events in the plain encoding, which names none; the contract must declare it.",
    )
    totals_topic: TopicName = Field(
        default="regulatory.case.event-counts.v1", description="Topic of the sources' control totals."
    )
    outbox_topic_prefix: TopicName = Field(
        default="outbox.event.", description="Beginning of the topics that announce datasets and backfills."
    )
    backfill_requests_topic: TopicName = Field(
        default="regulatory.backfill.requests.v1", description="Topic on which other systems ask for backfills."
    )
    events_dlq_topic: TopicName = Field(
        default="regulatory.case.events.dlq.v1", description="Topic of records that the stream could not handle."
    )
    totals_dlq_topic: TopicName = Field(
        default="regulatory.case.event-counts.dlq.v1", description="Topic of control totals that were rejected."
    )
    events_partitions: PositiveInt = Field(
        default=3, description="Partitions of the events topic when it is created; later changes are not applied."
    )
    ingest_chunk_records: PositiveInt = Field(
        default=250_000, description="Kafka records of one ingest commit at most; bounds memory."
    )
    ingest_run_records: PositiveInt = Field(default=1_000_000, description="Kafka records of one ingest run at most.")
    duckdb_memory_limit: str = Field(
        default="4GB",
        pattern=r"^[0-9]+(\.[0-9]+)?\s?[KMGT]i?B$",
        description="Memory of a run's DuckDB; it spills beyond.",
    )
    duckdb_threads: PositiveInt = Field(default=2, description="Threads of a run's DuckDB.")
    run_lease_seconds: PositiveInt = Field(
        default=90, description="How long a Dagster run may give no sign of life before it is taken for dead."
    )
    verification_sample: PositiveInt = Field(
        default=10,
        description="Official partitions of each dataset that every night verifies, those verified longest ago first.",
    )
    launcher: Literal["in-process", "subprocess"] = Field(
        default="in-process",
        description="Where an attempt runs: in the process that launches it, or in one of its own.",
    )
    ui_address: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None,
        description="Address at which a reverse proxy with a login shows Dagster's UI, https://host; unset: none does.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING",
        description="What the log on standard error tells of casegold's own, Kafka clients included.",
    )
    person: str | None = Field(
        default=None, description="Login of the person who gives a command; `--as` overrides it."
    )
    person_password: SecretStr | None = Field(
        default=None, description="That login's password; unset: from ~/.pgpass, or asked for."
    )
    maven_url: str = Field(
        default="https://repo1.maven.org/maven2",
        pattern=r"^https?://",
        description="Maven repository that the local broker's files come from; each is checked by its SHA-256.",
    )
    failpoint: str = Field(
        default="", description="For tests: where this process fails, `name:kind`; `casegold failpoints` lists names."
    )
    jar_cache: AbsolutePath = Field(
        default=Path("~/.cache/casegold/jars"), validate_default=True, description="Where those files are kept."
    )

    @model_validator(mode="after")
    def _log_in_is_complete(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL_"):
            for name in ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password"):
                if getattr(self, name) is None:
                    raise ValueError(f"{PREFIX}{name.upper()} is needed with {self.kafka_security_protocol}")
        return self

    def control_url(self) -> str:
        """The control schema, for psycopg 3. Raises SourceUnavailable when the local server was never started."""
        return _in_schema(self.database_url(), "casegold", _impatient(), _LOCK_WAIT)

    def owner_url(self) -> str:
        """The control schema for the owner of the database, who migrates it and makes people's logins.

        Raises:
            ConfigurationError: an external server is used and its owner is not named.
            SourceUnavailable: the local server was never started.
        """
        local = administrator_url(self.home) if self.postgres_url is None else None
        url = self.postgres_owner_url or local
        if url is None and self.postgres_url is not None:
            raise ConfigurationError(
                f"{OWNER_URL} is not set: this is for the owner, not for the login that runs the platform",
                remedy="set it for this command only; docs/security.md tells how to make both logins",
            )
        return _in_schema(url or self._never_started(OWNER_URL), "casegold", _impatient())

    def platform_login(self) -> str:
        """The login that runs the platform. Raises as `control_url`."""
        return unquote(urlsplit(self.database_url()).username or "")

    def person_url(self, login: str, password: str | None) -> str:
        """The control schema for a person's login; without a password, libpq looks into ~/.pgpass. Raises as above."""
        parts = urlsplit(_in_schema(self.database_url(), "casegold", _impatient()))
        user = quote(login, safe="") + (f":{quote(password, safe='')}" if password is not None else "")
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))

    def dagster_url(self) -> str:
        """Dagster's schema, for SQLAlchemy with psycopg2. Raises as `control_url`."""
        return _in_schema(self.database_url(), "dagster")

    def catalog_url(self) -> str:
        """The schema of the Iceberg catalog, for SQLAlchemy with psycopg2. Raises as `control_url`."""
        url = _in_schema(self.database_url(), "iceberg", _impatient(), _LOCK_WAIT)
        return url.replace("postgresql://", "postgresql+psycopg2://", 1)

    def reader_url(self, login: str) -> str:
        """The schema of the Iceberg catalog for a person's login, for libpq, which finds the password. Raises as above.

        Of the platform's own parameters only those that name the server and its certificate are handed on.
        """
        parts = urlsplit(self.database_url())
        shared = {name: values[-1] for name, values in parse_qs(parts.query).items() if name in _SHARED_PARAMETERS}
        place = parts.netloc.rpartition("@")[2]
        plain = parts._replace(netloc=f"{quote(login, safe='')}@{place}", query=urlencode(shared), fragment="")
        return _in_schema(urlunsplit(plain), "iceberg")

    def warehouse_url(self) -> str:
        """Root of the Iceberg files, without a slash at the end."""
        return self.warehouse.rstrip("/") if self.warehouse else (self.home / "warehouse").as_uri()

    def kafka_config(self) -> dict[str, str | int]:
        """Connection properties for any confluent-kafka client.

        Raises:
            SourceUnavailable: no brokers are set and the local one was never started.
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
        """Every topic of the installation with the partitions it is created with."""
        return {
            self.events_topic: self.events_partitions,
            self.totals_topic: 1,
            **dict.fromkeys(self.announcement_topics(), 1),
            self.backfill_requests_topic: 1,
            self.events_dlq_topic: 1,
            self.totals_dlq_topic: 1,
        }

    def announcement_topics(self) -> tuple[str, ...]:
        """The topics that the relay sends to: what happened to datasets, and to requests of people."""
        return tuple(f"{self.outbox_topic_prefix}{kind}" for kind in ("dataset", "backfill"))

    def database_url(self) -> str:
        """The database without a schema. Raises SourceUnavailable when the local server was never started."""
        known = read_addresses(self.home)
        return self.postgres_url or (known and known.postgres_url) or self._never_started("CASEGOLD_POSTGRES_URL")

    def brokers(self) -> str:
        """The Kafka brokers. Raises SourceUnavailable when the local one was never started."""
        known = read_addresses(self.home)
        return (
            self.kafka_bootstrap or (known and known.kafka_bootstrap) or self._never_started("CASEGOLD_KAFKA_BOOTSTRAP")
        )

    def _never_started(self, variable: str) -> NoReturn:
        raise SourceUnavailable(
            f"{variable} is not set and no local server was ever started in {self.home}",
            remedy=f"run `casegold up`, or set {variable} to a server of yours",
        )


def load_settings() -> Settings:
    """The settings that the environment holds. Arms this process' fail point, if they name one.

    Raises:
        ConfigurationError: a `CASEGOLD_*` variable that is no setting, or a value that cannot be; both are named.
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
    """The same database with a search path of this schema only, reading instants in UTC."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    options = " ".join([*query.get("options", []), f"-csearch_path={schema}", "-ctimezone=UTC", *more])
    flat = {name: values[-1] for name, values in query.items()} | {"options": options}
    # libpq reads %20, not a plus sign, as a space.
    return urlunsplit(parts._replace(query=urlencode(flat).replace("+", "%20")))
