-- What the ledger knows to be in a table: the highest number that was appended to it, and the highest official version.
-- Rows are appended before the ledger hears of them, so that a table is never behind it. Admissions take their number by
-- an empty commit of bronze; refused totals are appended only where there are any.
select
    (select coalesce(max(seq), 0) from ingest_commit
     where dataset = %(claim)s
       and (kind = 'INGEST' or %(table)s = 'bronze/case_events')
       and (conflicts + rejected > 0 or %(table)s <> 'bronze/rejected_totals')) as seq,
    (select coalesce(max(version), 0) from dataset_version
     where dataset = %(table)s and state = 'COMPLETED') as version
