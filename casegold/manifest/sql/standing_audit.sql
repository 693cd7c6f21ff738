select count(*) over () as total, sequence, source, row_key, problem from audit_breaks(null) limit %(limit)s
