"""Versions: what is official, from which inputs and files, and what keeps a partition from moving.

Invariants: a version is PREPARED before the lake's commit and COMPLETED or ABANDONED after it, by what the lake says. A
partition has one official version; numbers never fall. Inputs, files and digests of a completed version do not change,
but for the bytes of a file that was repaired. A hold or a pin stops a partition until a person or new data ends it.
"""

TABLES = (
    "dataset_version",
    "version_partition",
    "version_input",
    "version_file",
    "version_artifact",
    "partition_state",
    "staged_chunk",
    "quality_result",
    "hold",
)
