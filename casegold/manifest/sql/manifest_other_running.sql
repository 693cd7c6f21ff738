-- Of one line of work: all that reads into a dataset or makes its official partitions; admissions are a line of their own.
select m.run_id
from run_manifest m
join run_attempt a on a.run_id = m.run_id and a.state = 'RUNNING'
where m.dataset = %(dataset)s and m.state = 'OPEN' and m.run_id <> %(run_id)s
  and (m.pipeline = 'admission') = (%(pipeline)s = 'admission')
  and (m.mode = %(mode)s or m.mode in ('NORMAL', 'BACKFILL') and %(mode)s in ('NORMAL', 'BACKFILL'))
