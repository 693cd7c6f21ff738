select (select count(distinct case_id) from folded_states) + (select count(*) from carried_states) as cases
