-- Published, and no gate stands before it. What a person pinned is official as long as it is pinned.
select s.partition_key, s.current_version
from partition_state s
where s.dataset = %(dataset)s and s.current_version is not null
  and (s.pinned or not exists (select from hold h
                               where h.dataset = s.dataset and h.released_at is null
                                 and s.partition_key between h.partition_from and h.partition_to))
