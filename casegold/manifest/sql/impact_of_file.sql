select dataset, partition_key, version from version_file where file_path = %(path)s
