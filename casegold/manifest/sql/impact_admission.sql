select state, dirty_from, admitted_seq from fact_admission where source = %(source)s and event_id = %(event_id)s
