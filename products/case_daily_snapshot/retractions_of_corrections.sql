select source, event_id, corrected_event_id
from corrections
where obstacle is null and target_type = 'CaseCorrected'
