insert into approval_rule (dataset, level, role_name, above_partitions, to_latest)
values (%(dataset)s, %(level)s, %(role)s, %(above)s, %(to_latest)s)
