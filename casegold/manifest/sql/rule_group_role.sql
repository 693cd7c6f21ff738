select make_group_role(%(role)s, %(acts)s)
