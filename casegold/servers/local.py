"""An installation's servers as a whole: what `casegold up`, `down` and `status` do.

Starts the local servers, prepares schemas and topics, stops, reports. Not here: running one server (`postgres`,
`kafka`), printing (`cli`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from casegold.control import installation, revision
from casegold.control.changes import people
from casegold.control.db import ControlDb, migrate
from casegold.domain.errors import SourceUnavailable
from casegold.domain.sql import query
from casegold.runtime.addresses import Addresses, read_addresses, write_addresses
from casegold.runtime.contracts import contracts_of
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import BROKER_LOCK
from casegold.servers import jars, kafka, postgres, processes, separation
from casegold.servers.kafka import KafkaServer
from casegold.servers.postgres import PostgresServer
from casegold.servers.supervisor import Member

ROOM = "casegold.servers"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The state of one server."""

    name: str
    address: str
    """Without a password."""
    managed: bool
    """Whether `up` and `down` start and stop it."""
    answers: bool
    pid: int | None


def up(settings: Settings, say: processes.Say) -> None:
    """Bring the installation up: servers, schemas, topics. Idempotent, and safe to run twice at once.

    External servers, which the settings name, are prepared but never started.

    Raises:
        SourceUnavailable: a server does not start or answer.
        ConfigurationError: the business time zone differs from the one of the first start.
    """
    start_servers(settings, say)
    prepare_database(settings)
    separation.tell(ControlDb(settings.control_url()), say)
    create_topics(settings)


def start_servers(settings: Settings, say: processes.Say) -> None:
    """Start the local servers and write their addresses."""
    keep_private(settings.home)
    with processes.locked(_lock_file(settings.home)), ThreadPoolExecutor(2) as pool:
        known = read_addresses(settings.home) or Addresses(None, None)
        broker = pool.submit(_start_kafka, settings, known, say) if settings.kafka_bootstrap is None else None
        database = pool.submit(_start_postgres, settings, known, say) if settings.postgres_url is None else None
        # A server that is external now keeps its old local port, for when it is local again.
        found = Addresses(
            postgres_url=database.result() if database else known.postgres_url,
            kafka_bootstrap=broker.result() if broker else known.kafka_bootstrap,
        )
        if found != known:
            write_addresses(settings.home, found)


def keep_private(home: Path) -> None:
    """Create the home directory, readable by its owner only: it has the warehouse and the servers' passwords.

    Search permission for others stays: if root starts PostgreSQL as another user, that user's files are below.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(home.stat().st_mode & ~0o076)


def members(settings: Settings, say: processes.Say) -> list[Member]:
    """The local servers, for the supervisor. Starting one of them starts every dead one."""
    start = partial(start_servers, settings, say)
    database, broker = _postgres(settings), _kafka(settings)
    here = []
    if settings.postgres_url is None:
        here.append(Member(postgres.NAME, database.pid_file, database.log, start))
    if settings.kafka_bootstrap is None:
        here.append(Member(kafka.NAME, broker.pid_file, broker.log, start))
    return here


def down(settings: Settings) -> list[str]:
    """Stop the local servers; return the names of those that ran. Data stays."""
    if not settings.home.exists():
        return []
    with processes.locked(_lock_file(settings.home)):
        stopped = {kafka.NAME: _kafka(settings).down(), "PostgreSQL": _postgres(settings).down()}
    return [name for name, ran in stopped.items() if ran]


def status(settings: Settings) -> list[ServerStatus]:
    """The present state of the servers. Starts nothing."""
    known = read_addresses(settings.home) or Addresses(None, None)
    postgres_url = settings.postgres_url or known.postgres_url
    bootstrap = settings.kafka_bootstrap or known.kafka_bootstrap
    database = processes.find(_postgres(settings).pid_file)
    broker = processes.find(_kafka(settings).pid_file)
    return [
        ServerStatus(
            "PostgreSQL",
            urlsplit(postgres_url).netloc.rpartition("@")[2] if postgres_url else "",
            settings.postgres_url is None,
            postgres_url is not None and _database_answers(postgres_url),
            database.process.pid if database and settings.postgres_url is None else None,
        ),
        ServerStatus(
            kafka.NAME,
            bootstrap or "",
            settings.kafka_bootstrap is None,
            bootstrap is not None and _broker_answers(settings),
            broker.process.pid if broker and settings.kafka_bootstrap is None else None,
        ),
    ]


def prepare_database(settings: Settings) -> None:
    """Create schemas, migrate the control schema, store the contracts' rules for people, initialise at first start."""
    url = settings.owner_url()
    revision.refuse_newer(ControlDb(url))
    with ControlDb(url).write("schemas") as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('casegold schemas'))")
        connection.execute(query(ROOM, "schemas"))
    _migrate(url)
    with ControlDb(url).write("rules") as connection:
        people.sync_rules(connection, contracts_of(settings))
        separation.apply(connection, settings.platform_login())
    installation.install(ControlDb(settings.control_url()), settings.time_zone, settings.business_clock)


def _migrate(url: str) -> None:
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - a second of imports that `up` needs only

    try:
        migrate(url)
    except OperationalError as error:
        raise SourceUnavailable(
            f"the connection to the control database broke: {error.orig}",
            remedy="run the command again once it answers",
        ) from error


def create_topics(settings: Settings) -> None:
    """Create missing topics, with unlimited retention time; existing topics stay as they are.

    Raises:
        SourceUnavailable: the broker does not create a topic.
    """
    wanted = [
        NewTopic(name, partitions, replication_factor=-1, config={"retention.ms": "-1"})
        for name, partitions in settings.topics().items()
    ]
    admin = _admin(settings)  # kept in a variable: the futures are valid only while the client lives
    for name, future in admin.create_topics(wanted, operation_timeout=30, request_timeout=30).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise SourceUnavailable(
                    f"the topic {name} cannot be created: {error.args[0].str()}",
                    remedy="`casegold status` shows whether Kafka answers; your own broker must allow topic creation",
                ) from error


def _start_postgres(settings: Settings, known: Addresses, say: processes.Say) -> str:
    server = _postgres(settings)
    port = server.up(_port(known.postgres_url), say)
    try:
        return server.make_database(port)
    except psycopg.OperationalError as error:  # it answered a moment ago
        raise SourceUnavailable(f"the connection to PostgreSQL broke: {error}", remedy=f"read {server.log}") from error


def _start_kafka(settings: Settings, known: Addresses, say: processes.Say) -> str:
    paths = jars.fetch(BROKER_LOCK, settings.maven_url, settings.jar_cache, say)
    return kafka.address(_kafka(settings).up(_port(known.kafka_bootstrap), paths, say))


def _port(address: str | None) -> int | None:
    """The port of `127.0.0.1:9092` or of a URL."""
    return None if address is None else urlsplit(address if "://" in address else f"//{address}").port


def _postgres(settings: Settings) -> PostgresServer:
    return PostgresServer(settings.home / "postgres")


def _kafka(settings: Settings) -> KafkaServer:
    return KafkaServer(settings.home / "kafka")


def _lock_file(home: Path) -> Path:
    return home / "services.lock"


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({**settings.kafka_config(), "log_level": 0})


def _database_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _broker_answers(settings: Settings) -> bool:
    try:
        return bool(_admin(settings).list_topics(timeout=3).brokers)
    except KafkaException:
        return False
