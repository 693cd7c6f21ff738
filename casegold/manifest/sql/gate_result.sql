insert into quality_result (run_id, attempt, partition_key, check_name, required, status, failures, expected, actual,
                            detail, sample)
values (%(run_id)s, %(attempt)s, %(partition)s, %(check)s, %(required)s, %(status)s, %(failures)s, %(expected)s,
        %(actual)s, %(detail)s, %(sample)s)
on conflict do nothing
