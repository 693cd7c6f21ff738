"""The standing questions that need Kafka, and the way to ask any of them. Not here: how answers are shown."""

from __future__ import annotations

from casegold.manifest.standing import Question

INGEST_CAUGHT_UP = Question(
    "ingest_caught_up",
    "bronze/case_events",
    "Every stable offset of the topics is in silver.",
    "The sensor `domain_events` asks for ingests: see that it runs, and `casegold runs` for one that failed.",
)
EPOCHS = Question(
    "epochs_accepted",
    "bronze/case_events",
    "The topics are the ones that were read so far, and hold every offset up to our positions.",
    "A topic was recreated or truncated: find out why, then `casegold source accept-epoch TOPIC --reason ...`.",
)
