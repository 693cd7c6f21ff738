select partition_key, file_path, record_count from version_file where dataset = %(dataset)s and version = %(version)s
