"""Tags: the newest versions by name, `v000391`, so that any engine reads one by its own syntax.

A version's tag is made in the commit that makes the version official (`publish`). Maintenance has the tags be exactly
those of the newest official versions. Not here: the number of a version, and when a snapshot expires (`maintenance`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pyiceberg.table import Table, Transaction
from pyiceberg.table.update.snapshot import ManageSnapshots

from casegold.domain.errors import InvariantBroken

TAGS_KEPT = 100
"""Versions of a dataset that keep their tag. Each costs every commit to the table 0.4 ms of CPU: decision 20."""

_OURS = re.compile(r"v\d{6,}")
"""Tags with other names are people's own, and stay."""


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag, the snapshot that it names, and the one that it has to name; None where there is none."""

    tag: str
    found: int | None
    wanted: int | None


def tag_of(version: int) -> str:
    """The tag of a version."""
    return f"v{version:06d}"


def tag_new(transaction: Transaction, version: int, snapshot_id: int) -> None:
    """Tag a snapshot of this transaction as a version: both land in one commit, or neither.

    Call it after the snapshot's update: of all requirements on references PyIceberg keeps the first, and that has to be
    the one on the head of main, which fences a publisher that was abandoned.

    Raises:
        InvariantBroken: the tag is there already; making it anew would move it.
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
    """What has to change for the tags to be those of the newest official versions; a snapshot that is gone has none.

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
    """Whether a tag goes only because its version is no longer among the newest."""
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
