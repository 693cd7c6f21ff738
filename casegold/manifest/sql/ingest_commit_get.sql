select seq from ingest_commit where dataset = %(dataset)s and seq = %(seq)s
