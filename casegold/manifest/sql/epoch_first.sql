insert into source_epoch (topic, epoch, cluster_id, topic_id, reason)
select %(topic)s, 1, %(cluster_id)s, %(topic_id)s, 'first seen'
where not exists (select from source_epoch where topic = %(topic)s)
