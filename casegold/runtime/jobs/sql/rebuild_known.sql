create or replace temp view silver_case_events as
select * from rebuilt_rows union all by name select * from pending_rows
