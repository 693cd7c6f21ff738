select sequence, digest from audit_link where sequence = any(%(sequences)s)
