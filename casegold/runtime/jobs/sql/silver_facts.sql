-- Read once, used by many steps: all facts of the affected cases.
create or replace temp table silver_facts as
select f.* from admitted_facts as f semi join affected_cases as a on a.case_id = f.case_id
