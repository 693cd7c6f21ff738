select count(*) as count, min(dirty_from) as first,
       encode(sha256(convert_to(coalesce(string_agg(source || E'\n' || event_id, E'\n'
                                                    order by source collate "C", event_id collate "C"), ''), 'UTF8')),
              'hex') as digest
from fact_admission
where state = 'HELD' and dirty_from between %(first)s and %(last)s and ingest_seq <= %(admitted_seq)s
