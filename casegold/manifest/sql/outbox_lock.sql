-- Held to the end of the transaction: one relay at a time, or two could overtake each other within an aggregate.
select pg_advisory_xact_lock(7204)
