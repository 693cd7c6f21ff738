insert into dataset_claim (dataset, run_id, attempt, token)
values (%(dataset)s, %(run_id)s, %(attempt)s, %(token)s)
on conflict (dataset) do nothing
