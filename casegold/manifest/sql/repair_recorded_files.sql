-- Every file that a version needs, with the run that made its rows: a version made official again was made by another's.
-- In the order in which they can be computed again: what one is made of comes before it.
select partition_key, file_path, record_count, file_bytes, digest_high, digest_low, hash_from, hash_to, run_id
from (select distinct on (f.file_path) f.*, v.run_id
      from version_file f
      join dataset_version v using (dataset, version)
      where f.dataset = %(dataset)s and v.state = 'COMPLETED'
      order by f.file_path, v.republished_from is not null, v.version) files
order by partition_key, version, hash_from
