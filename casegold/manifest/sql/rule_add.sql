-- A rule that is there as it is stays untouched: each change of a rule is a link of the audit trail.
insert into approval_rule (dataset, level, role_name, above_partitions, to_latest)
values (%(dataset)s, %(level)s, %(role)s, %(above)s, %(to_latest)s)
on conflict (dataset, level, role_name) do update
set above_partitions = excluded.above_partitions, to_latest = excluded.to_latest
where (approval_rule.above_partitions, approval_rule.to_latest) is distinct from (excluded.above_partitions, excluded.to_latest)
