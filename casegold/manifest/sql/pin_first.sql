select first, reason from pinned_range where dataset = %(dataset)s order by first limit 1
