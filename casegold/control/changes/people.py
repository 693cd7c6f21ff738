"""Logins of people, and the rules of who approves what. Not here: approving (`approvals`), connecting as a person.

A login is a database role with a password; `person_login` records which person uses it. The contracts name the group
roles that grant rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from psycopg import sql
from psycopg.errors import CheckViolation, DependentObjectsStillExist, DuplicateObject, InsufficientPrivilege

from casegold.control.db import Connection, ControlDb, Lock, take_lock
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.changes"

MIN_PASSWORD = 12

CONNECTIONS = 10
"""Concurrent sessions of one login: PyIceberg uses one per process, Spark two."""

SESSION_LIMITS = {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s", "lock_timeout": "10s"}
"""Set for each login, since members do not inherit a role's settings. A person's statements take less than a second."""

_KEYS = {"datasets": "dataset", "levels": "level", "roles": "role"}


@dataclass(frozen=True, slots=True)
class PersonLogin:
    """The login of a person. `roles`: its current roles on the server, empty for a removed login."""

    login: str
    person: str
    added_at: datetime
    added_by: str
    removed_at: datetime | None
    removed_by: str | None
    roles: list[str]


def sync_rules(connection: Connection, contracts: Iterable[DatasetContract]) -> None:
    """Write the contracts' approval rules to the database, and create their group roles on the server.

    Raises:
        ConfigurationError: a role in a contract is a login, or has rights of its own.
    """
    contracts = tuple(contracts)
    take_lock(connection, Lock.PEOPLE)
    acting = acting_roles(contracts)
    try:
        for role in roles_of(contracts):
            connection.execute(query(ROOM, "rule_group_role"), {"role": role, "acts": role in acting})
    except CheckViolation as error:
        raise ConfigurationError(
            str(error.diag.message_primary), remedy="name another role in the contracts, or drop that one"
        ) from error
    rules = list(_rules(contracts))
    kept = {name: [rule[key] for rule in rules] for name, key in _KEYS.items()}
    connection.execute(query(ROOM, "rules_clear"), kept)
    for rule in rules:
        connection.execute(query(ROOM, "rule_add"), rule)


def _rules(contracts: Iterable[DatasetContract]) -> Iterator[dict[str, object]]:
    """The rows of `approval_rule` by the contracts."""
    for contract in contracts:
        levels = {0: contract.requesters(), 1: contract.approvers(1), 2: contract.approvers(2)}
        for level, roles in levels.items():
            above = contract.second_approval_partitions if level == 2 else None
            for role in roles:
                rule = {"dataset": contract.dataset, "level": level, "role": role, "above": above}
                yield rule | {"to_latest": contract.reads_sequence}


def roles_of(contracts: Iterable[DatasetContract]) -> tuple[str, ...]:
    """Every role that a contract names, sorted."""
    return tuple(
        sorted(
            {
                name
                for contract in contracts
                for role in contract.roles
                for name in (role.name, *role.first_level_approvers, *role.second_level_approvers)
            }
        )
    )


def acting_roles(contracts: Iterable[DatasetContract]) -> set[str]:
    """The roles whose members request or approve. Members of other roles only read published data."""
    return {
        role
        for contract in contracts
        for role in (*contract.requesters(), *contract.approvers(1), *contract.approvers(2))
    }


def add(control: ControlDb, login: str, role: str, person: str, password: str) -> None:
    """Create a login for a person, over the owner's connection, with limits on sessions and statements.

    Only a verifier (hash) of the password leaves this process, so that the password can be in no log of the server.

    Args:
        role: one of `roles_of` the contracts.
        person: the same for all logins of one person.

    Raises:
        ConfigurationError: the login exists already, it belonged to another person, or a name or the password is not
            allowed.
    """
    if len(password) < MIN_PASSWORD:
        raise ConfigurationError(
            f"a password has at least {MIN_PASSWORD} characters", remedy="omit it to have one generated"
        )
    with control.write("person-add") as connection:
        take_lock(connection, Lock.PEOPLE)
        known = _known(connection, login)
        if known["role_oid"] is not None:
            raise _taken(login)
        if known["person"] not in {None, person}:
            raise ConfigurationError(
                f"the login {login} belonged to {known['person']}",
                remedy="a login belongs to one person for good, so that the audit trail stays readable: choose another",
            )
        try:
            connection.execute(query(ROOM, "person_added"), {"login": login, "person": person})
            _create_role(connection, login, role, password)
        except CheckViolation as error:
            raise ConfigurationError(
                f"{login!r} or {person!r} cannot be a name",
                remedy="use lower-case letters, digits, dots, hyphens and underscores, beginning with a letter",
            ) from error
        except DuplicateObject as error:
            raise _taken(login) from error


def remove(control: ControlDb, login: str) -> None:
    """Drop the login of a person and end its sessions. Its requests and approvals stay.

    Raises:
        ConfigurationError: no person has that login, or it owns objects in a database of the server.
    """
    with control.write("person-remove") as connection:
        take_lock(connection, Lock.PEOPLE)
        known = _known(connection, login)
        if connection.execute(query(ROOM, "person_removed"), {"login": login}).rowcount != 1:
            raise ConfigurationError(f"no person uses the login {login}", remedy="`casegold user list` shows them")
        try:
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))
        except DependentObjectsStillExist as error:
            raise ConfigurationError(
                f"{login} owns something: {error.diag.message_detail}", remedy="drop it or give it to another role"
            ) from error
    # From here on no new session can begin. The database refuses every step of a session that is still open.
    try:
        control.rows(query(ROOM, "person_sessions_end"), {"role_oid": known["role_oid"]})
    except InsufficientPrivilege as error:
        raise ConfigurationError(
            f"{login} is gone, but the database's owner may not end its open sessions; they can do nothing now",
            remedy="as a superuser: grant pg_signal_backend to that user, so that this works the next time",
        ) from error


def logins(control: ControlDb) -> list[PersonLogin]:
    """All logins of people, removed ones last."""
    with control.read() as connection:
        return logins_in(connection)


def logins_in(connection: Connection) -> list[PersonLogin]:
    """All logins of people within a transaction, removed ones last."""
    return [PersonLogin(**row) for row in connection.execute(query(ROOM, "person_list"))]


def changed_passwords(owner: ControlDb) -> list[str]:
    """Logins whose users replaced the password that `add` set, with one whose strength nobody checked.

    Raises:
        ConfigurationError: the owner may not read the password verifiers of the server.
    """
    try:
        return [row["login"] for row in owner.rows(query(ROOM, "password_changed"))]
    except InsufficientPrivilege as error:
        raise ConfigurationError(
            "the owner may not compare passwords with those that were given",
            remedy="as a superuser: grant select (rolname, rolpassword) on pg_authid to the owner",
        ) from error


def _known(connection: Connection, login: str) -> dict[str, object]:
    (row,) = connection.execute(query(ROOM, "person_known"), {"login": login}).fetchall()
    return row


def _create_role(connection: Connection, login: str, role: str, password: str) -> None:
    verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    name = sql.Identifier(login)
    create = sql.SQL("create role {} login password {} connection limit {}")
    connection.execute(create.format(name, sql.Literal(verifier), sql.Literal(CONNECTIONS)))
    for setting, value in SESSION_LIMITS.items():
        limit = sql.SQL("alter role {} set {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
        connection.execute(limit)
    connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), name))
    digest = sha256(verifier.encode()).hexdigest()
    connection.execute(query(ROOM, "person_password"), {"login": login, "digest": digest})


def _taken(login: str) -> ConfigurationError:
    return ConfigurationError(
        f"the server has a login {login} already",
        remedy="choose another name; `casegold user list` shows the logins of people",
    )
