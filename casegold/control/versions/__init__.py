"""Versions: what is official, its inputs and files, and the holds and pins that stop a partition.

Invariants: a version is PREPARED before the commit in the lake, then COMPLETED or ABANDONED by whether the commit is
there. A partition has one official version; version numbers never fall. Inputs, files and digests of a completed
version never change, except the size of a repaired file. A hold or pin stops a partition until a person or new data
ends it.
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
