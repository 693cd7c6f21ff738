"""Words of the trade as types: events, the business calendar, contracts, errors. No I/O, no database, no Kafka."""
