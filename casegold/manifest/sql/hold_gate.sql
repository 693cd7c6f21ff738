insert into hold (dataset, partition_from, partition_to, kind, fingerprint, run_id, reason)
values (%(dataset)s, %(held_first)s, %(held_last)s, 'GATE', %(fingerprint)s, %(run_id)s, %(reason)s)
on conflict (dataset, kind, partition_from, partition_to) where released_at is null
do update set fingerprint = excluded.fingerprint, run_id = excluded.run_id, reason = excluded.reason
    where hold.fingerprint <> excluded.fingerprint
returning hold_id
