"""Observations of a source topic for Dagster: end offsets, lag, rate. Not here: ingesting the offsets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import dagster as dg

from casegold.operations.standing_checks import TopicLook


@dataclass(frozen=True, slots=True)
class Mark:
    """The last observation, kept in the sensor's cursor: its run key, the sum of end offsets, and its Unix time."""

    run_key: str
    ends: int
    at: float

    @classmethod
    def of_cursor(cls, cursor: str | None) -> Mark | None:
        """The mark in a cursor; None if there is none yet."""
        return cls(**json.loads(cursor)) if cursor else None

    def as_cursor(self) -> str:
        return json.dumps(asdict(self))


def observation(key: dg.AssetKey, look: TopicLook, last: Mark | None, now: Mark) -> dg.AssetObservation:
    """One observation of the topic. The rate counts new offsets per second since the last observation."""
    metadata: dict[str, dg.MetadataValue] = {
        "topic": dg.MetadataValue.text(look.topic),
        "lag": dg.MetadataValue.int(sum(place.backlog for place in look.places)),
        "end offsets": dg.MetadataValue.md(
            "| partition | read to | end | waiting |\n|---|---|---|---|\n"
            + "\n".join(
                f"| {place.partition} | {place.position:,} | {place.end:,} | {place.backlog:,} |"
                for place in look.places
            )
        ),
    }
    if last is not None and now.at > last.at and now.ends >= last.ends:
        metadata["offsets per second"] = dg.MetadataValue.float(round((now.ends - last.ends) / (now.at - last.at), 1))
    return dg.AssetObservation(key, metadata=metadata)
