insert into only_before select * from before_rows except select * from after_rows
