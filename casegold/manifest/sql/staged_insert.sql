insert into staged_chunk (run_id, first_key, last_key, attempt, files, figures)
values (%(run_id)s, %(first)s, %(last)s, %(attempt)s, %(files)s, %(figures)s)
