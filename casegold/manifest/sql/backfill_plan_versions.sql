-- What the range is now: `digest` stands for the current version of every published partition of it.
select count(*) as count, coalesce(sum(s.row_count), 0)::bigint as rows,
       encode(sha256(convert_to(coalesce(string_agg(s.partition_key || ':' || s.current_version, ','
                                                    order by s.partition_key), ''), 'UTF8')), 'hex') as digest,
       coalesce((select sum(f.file_bytes) from partition_state c
                 join version_file f on f.dataset = c.dataset and f.partition_key = c.partition_key
                                    and f.version = c.current_version
                 where c.dataset = %(dataset)s and c.partition_key between %(first)s and %(last)s), 0)::bigint as bytes
from partition_state s
where s.dataset = %(dataset)s and s.partition_key between %(first)s and %(last)s and s.current_version is not null
