select * from casegold.waiver_approve(%(id)s)
