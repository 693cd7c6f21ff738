"""Continuous consumers of Kafka topics: published versions, backfill requests, dead letters.

Not here: bounded work (`jobs`), and the relay that sends announcements (`sink.relay`).
"""
