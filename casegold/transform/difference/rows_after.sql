insert into only_after select * from after_rows except select * from before_rows
