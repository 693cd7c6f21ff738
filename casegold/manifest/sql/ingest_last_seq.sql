select coalesce(max(seq), 0) as seq from ingest_commit where dataset = %(dataset)s
