-- The same rows in other bytes: every version that has the file has it so from now on; what was, the repair says.
update version_file set file_bytes = %(bytes_after)s where dataset = %(dataset)s and file_path = %(path)s
