insert into source_epoch (topic, epoch, cluster_id, topic_id, reason)
select topic, max(epoch) + 1, %(cluster_id)s, %(topic_id)s, %(reason)s
from source_epoch where topic = %(topic)s
group by topic
returning epoch
