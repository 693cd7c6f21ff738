-- The one correction that counts for each corrected fact: the last applicable one.
create or replace temp table corrections_in_force as
with ranked as (
    select
        correction.*,
        row_number() over (
            partition by correction.source, correction.corrected_event_id
            order by correction.occurred_us desc, correction.sequence desc, correction.event_id desc
        ) as from_last
    from corrections as correction
    left join overruled_corrections as overruled
        on overruled.source = correction.source and overruled.event_id = correction.event_id
    where correction.obstacle is null
        and correction.target_type <> 'CaseCorrected'
        and overruled.event_id is null
)
select * from ranked where from_last = 1
