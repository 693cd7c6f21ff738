insert into approval_rule (dataset, level, role_name, above_partitions)
values (%(dataset)s, %(level)s, %(role)s, %(above)s)
