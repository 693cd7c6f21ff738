select partition_key, seen_inputs, current_version, pinned, released from partition_state where dataset = %(dataset)s
