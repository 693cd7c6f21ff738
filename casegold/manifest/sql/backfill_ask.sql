-- Not asked again while an open request covers the range, nor where a person has said no to just this.
insert into backfill_request (backfill_run_id, dataset, partition_from, partition_to, mode, reason)
select 'bf_' || replace(gen_random_uuid()::text, '-', '_'), %(dataset)s, %(first)s, %(last)s, 'BACKFILL', %(reason)s
where not exists (select from backfill_request
                  where dataset = %(dataset)s and mode = 'BACKFILL'
                    and partition_from <= %(first)s and (partition_to >= %(last)s or %(onwards)s)
                    and (state in ('REQUESTED', 'PLANNED', 'APPROVED', 'EXECUTING', 'PAUSED')
                         or state = 'REJECTED' and reason = %(reason)s))
on conflict do nothing
returning backfill_run_id
