"""The domain model: events, the business calendar, contracts, errors. No I/O, no database, no Kafka."""
