"""The only code that writes the lake and the outbox: tables, appends, staging, the commit protocol, the relay.

Not here: what rows mean, which partitions are due, whether they may be published.
"""
