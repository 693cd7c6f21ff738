-- Corrections that have no effect and that nobody has retracted: waiting for their target, or inapplicable.
select
    correction.source,
    correction.event_id,
    correction.case_id,
    timestamp_micros(correction.occurred_us) as occurred_at,
    correction.corrected_event_id,
    correction.correction_action,
    coalesce(correction.obstacle, 'CYCLE') as reason
from corrections as correction
left join overruled_corrections as overruled
    on overruled.source = correction.source and overruled.event_id = correction.event_id
where (correction.obstacle is not null and overruled.event_id is null) or overruled.verdict = 'CYCLE'
order by correction.source, correction.event_id
