-- Cases whose rows of $first..$last may differ from a carried row: one of their facts lies in that range, or is moved
-- into it. The date of a correction itself changes nothing, so it is not asked for.
create or replace temp table affected_cases as
select distinct case_id
from admitted_facts
where (event_type <> 'CaseCorrected' and effective_date >= $first and effective_date <= $last)
    or (replacement_effective_date >= $first and replacement_effective_date <= $last)
