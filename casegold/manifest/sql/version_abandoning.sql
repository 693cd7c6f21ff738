update dataset_version set state = 'ABANDONING', token = %(new_token)s
where dataset = %(dataset)s and version = %(version)s and state in ('PREPARED', 'ABANDONING')
