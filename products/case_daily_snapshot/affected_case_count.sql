select count(*) as cases from affected_cases
