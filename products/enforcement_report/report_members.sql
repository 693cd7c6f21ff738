-- Each case once in the total and once in its group of every dimension.
create or replace temp table report_members as
select 'TOTAL' as dimension, '' as dimension_value, report_cases.* from report_cases
union all
select 'CASE_TYPE', case_type, report_cases.* from report_cases
union all
select 'JURISDICTION', jurisdiction, report_cases.* from report_cases
union all
select 'TEAM', team, report_cases.* from report_cases
