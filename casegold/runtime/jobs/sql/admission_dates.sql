-- From which date on a fact can change figures now: corrections of its case that came after it may have moved what it
-- corrects to an earlier date. Too early costs a comparison of digests.
select a.source, a.event_id, min(s.dirty_from) as dirty_from
from asked_facts as a
join silver_case_events as s on s.case_id = a.case_id and s.event_type = 'CaseCorrected'
where a.event_type = 'CaseCorrected' or (s.source = a.source and s.corrected_event_id = a.event_id)
group by a.source, a.event_id
