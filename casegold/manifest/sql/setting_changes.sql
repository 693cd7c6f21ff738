select value, reason, changed_at, changed_by from setting where key = %(key)s
union all
select value, reason, changed_at, changed_by from setting_history where key = %(key)s
order by changed_at desc
