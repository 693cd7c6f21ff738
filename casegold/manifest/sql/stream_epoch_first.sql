insert into source_epoch (topic, epoch, cluster_id, topic_id, reason)
values (%(topic)s, 1, %(cluster_id)s, %(topic_id)s, 'as found')
on conflict do nothing
