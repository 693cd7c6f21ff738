update dataset_version set state = 'ABANDONED', reason = %(reason)s
where dataset = %(dataset)s and version = %(version)s and state = 'ABANDONING'
