select distinct s.source, s.corrected_event_id
from asked_facts as a
join silver_case_events as s on s.source = a.source and s.event_id = a.event_id and s.event_type = 'CaseCorrected'
