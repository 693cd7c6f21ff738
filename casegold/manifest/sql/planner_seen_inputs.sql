select partition_key, seen_inputs, current_version from partition_state where dataset = %(dataset)s
