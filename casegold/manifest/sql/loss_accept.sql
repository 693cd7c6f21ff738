insert into source_loss (topic, epoch, kafka_partition, start_offset, end_offset, reason)
values (%(topic)s, %(epoch)s, %(partition)s, %(start)s, %(end)s, %(reason)s)
on conflict (topic, epoch, kafka_partition, start_offset) do update set end_offset = excluded.end_offset,
    accepted_at = clock_timestamp(), accepted_by = session_user, reason = excluded.reason
