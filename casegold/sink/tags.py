"""Tags name the newest versions, such as `v000391`, so that any engine can read one with its own syntax.

The commit that makes a version official also creates its tag (`publish`). Maintenance keeps exactly the tags of the
newest official versions. Not here: version numbers, and when a snapshot expires (`maintenance`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pyiceberg.table import Table, Transaction
from pyiceberg.table.update.snapshot import ManageSnapshots

from casegold.domain.errors import InvariantBroken

TAGS_KEPT = 100
"""Versions of a dataset that keep their tag. Each tag costs every commit to the table 0.4 ms of CPU: decision 20."""

_OURS = re.compile(r"v\d{6,}")
"""Tags with other names were created by people, and stay."""


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag, the snapshot that it names, and the one that it should name; None means no snapshot."""

    tag: str
    found: int | None
    wanted: int | None


def tag_of(version: int) -> str:
    """The tag of a version."""
    return f"v{version:06d}"


def tag_new(transaction: Transaction, version: int, snapshot_id: int) -> None:
    """Tag a snapshot of this transaction as a version: both land in one commit, or neither.

    Call it after the snapshot's update. PyIceberg keeps only the first requirement on references, and that must be the
    one on the head of main, which fences off an abandoned publisher.

    Raises:
        InvariantBroken: the tag exists already; creating it again would move it.
    """
    tag = tag_of(version)
    if tag in transaction.table_metadata.refs:
        raise InvariantBroken(
            f"tag {tag} was made before version {version} was published",
            remedy="only casegold makes tags of this form: remove it, and find out who made it",
        )
    with ManageSnapshots(transaction) as references:
        references.create_tag(snapshot_id, tag)


def changes(table: Table, official: Mapping[int, int]) -> list[TagChange]:
    """What has to change so that exactly the newest official versions have tags. A version without snapshot has none.

    Args:
        official: snapshot id of every official version.
    """
    present = {each.snapshot_id for each in table.snapshots()}
    newest = sorted(official)[-TAGS_KEPT:]
    wanted = {tag_of(each): official[each] for each in newest if official[each] in present}
    found = {name: ref.snapshot_id for name, ref in table.refs().items() if _OURS.fullmatch(name)}
    return [
        TagChange(tag, found.get(tag), wanted.get(tag))
        for tag in sorted(found.keys() | wanted.keys())
        if found.get(tag) != wanted.get(tag)
    ]


def outlived(change: TagChange, official: Mapping[int, int]) -> bool:
    """Whether a tag is removed only because its version is no longer among the newest."""
    return change.wanted is None and official.get(int(change.tag[1:])) == change.found


def apply(transaction: Transaction, wanted: list[TagChange]) -> None:
    """Change tags as part of a transaction."""
    if not wanted:
        return
    with ManageSnapshots(transaction) as references:
        for each in wanted:
            if each.wanted is None:
                references.remove_tag(each.tag)
            else:
                references.create_tag(each.wanted, each.tag)
