-- What a closed gate (10) refused stays for a person to look at; the rows of a shadow for whoever compares;
-- everything else is of no use once its attempt ended.
select a.run_id, a.attempt
from run_attempt a
join run_manifest m using (run_id)
where m.dataset = %(dataset)s
  and a.ended_at is not null
  and (a.exit_class is distinct from 10 or a.ended_at < clock_timestamp() - %(keep_refused)s)
  and not exists (
      select from dataset_version v
      where v.dataset = m.dataset and v.run_id = a.run_id and v.attempt = a.attempt
        and v.state in ('PREPARED', 'ABANDONING'))
  and not exists (
      select from shadow s
      where s.run_id = a.run_id and s.attempt = a.attempt and s.recorded_at >= clock_timestamp() - %(shadows_kept)s)
