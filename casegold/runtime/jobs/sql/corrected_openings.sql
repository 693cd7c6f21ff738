-- Cases whose opening an admitted correction retracts or moves: they may rightly be gone.
select distinct opening.case_id
from admitted_facts as correction
join admitted_facts as opening
    on opening.source = correction.source and opening.event_id = correction.corrected_event_id
where correction.event_type = 'CaseCorrected' and opening.event_type = 'CaseOpened'
order by 1
