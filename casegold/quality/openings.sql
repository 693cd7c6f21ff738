-- Cases that must be in the register, each with the first date on which it must be there.
--   admitted  rows of silver.case_events that are admitted up to the pin
select opening.case_id, min(opening.effective_date) as opened_on
from admitted as opening
where opening.event_type = 'CaseOpened'
  and not exists (
      select 1
      from admitted as correction
      where correction.event_type = 'CaseCorrected'
        and correction.source = opening.source
        and correction.corrected_event_id = opening.event_id
  )
group by opening.case_id
order by opening.case_id
