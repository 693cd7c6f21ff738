insert into verification (dataset, version, partition_key, outcome, reason, recorded_digest, stored_digest,
                          computed_digest, transform_version, asked_by)
values (%(dataset)s, %(version)s, %(partition)s, %(outcome)s, %(reason)s, %(recorded)s, %(stored)s,
        %(computed)s, %(transform_version)s, %(asked_by)s)
