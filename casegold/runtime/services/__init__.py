"""The local servers of one home directory: PostgreSQL and Kafka. Not here: anything that uses them."""
