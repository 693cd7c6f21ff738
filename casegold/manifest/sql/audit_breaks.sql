select sequence, source, row_key, problem from audit_breaks(%(limit)s)
