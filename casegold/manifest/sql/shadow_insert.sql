insert into shadow (backfill_run_id, run_id, attempt, dataset, branch, comparison)
values (%(id)s, %(run_id)s, %(attempt)s, %(table)s, %(branch)s, %(comparison)s)
