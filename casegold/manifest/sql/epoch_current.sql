select epoch, cluster_id, topic_id from source_epoch where topic = %(topic)s order by epoch desc limit 1
