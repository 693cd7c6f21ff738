insert into ingest_commit (dataset, seq, kind, run_id, attempt)
values ('silver/case_events', %(seq)s, 'ADMISSION', %(run_id)s, %(attempt)s)
