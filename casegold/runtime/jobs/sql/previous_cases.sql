select case_id from previous_rows order by case_id
