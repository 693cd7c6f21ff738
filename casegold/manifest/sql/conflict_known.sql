select c.source, c.event_id, c.content_digest
from unnest(%(sources)s::text[], %(ids)s::text[]) as asked (source, event_id)
join event_conflict c using (source, event_id)
where c.ingest_seq < %(seq)s
