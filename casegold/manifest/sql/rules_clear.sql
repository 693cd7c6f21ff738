delete from approval_rule
