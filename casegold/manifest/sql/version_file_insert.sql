insert into version_file (dataset, version, partition_key, file_path, record_count, file_bytes, digest_high, digest_low,
                          hash_from, hash_to)
values (%(dataset)s, %(version)s, %(partition)s, %(path)s, %(rows)s, %(bytes)s, %(digest_high)s, %(digest_low)s,
        %(hash_from)s, %(hash_to)s)
