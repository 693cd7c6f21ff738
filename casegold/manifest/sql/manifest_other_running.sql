-- Of one line of work: all that reads into a dataset or makes its official partitions; admissions are a line of their own.
-- What a person asked to be official again makes way for no computation, also between two attempts.
select m.run_id
from run_manifest m
where m.dataset = %(dataset)s and m.state = 'OPEN' and m.run_id <> %(run_id)s
  and (m.pipeline = 'admission') = (%(pipeline)s = 'admission')
  and (m.mode = %(mode)s or m.mode in ('NORMAL', 'BACKFILL') and %(mode)s in ('NORMAL', 'BACKFILL'))
  and (exists (select from run_attempt a where a.run_id = m.run_id and a.state = 'RUNNING')
       or m.pipeline = 'republish' and %(pipeline)s <> 'republish')
