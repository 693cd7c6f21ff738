insert into ingest_commit (dataset, seq, kind, run_id, attempt, records, accepted, duplicates, conflicts, rejected,
                           rejected_by_reason)
values (%(dataset)s, %(seq)s, 'INGEST', %(run_id)s, %(attempt)s, %(records)s, %(accepted)s, %(duplicates)s,
        %(conflicts)s, %(rejected)s, %(rejected_by_reason)s)
