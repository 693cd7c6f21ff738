select sequence, digest from audit_head
