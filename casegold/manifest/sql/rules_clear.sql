-- Rules that no contract has any more.
delete from approval_rule a
where not exists (select from unnest(%(datasets)s::text[], %(levels)s::smallint[], %(roles)s::text[]) as kept (dataset, level, role)
                  where (kept.dataset, kept.level, kept.role) = (a.dataset, a.level, a.role_name))
