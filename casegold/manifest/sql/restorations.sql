select taken_at, restored_at from restoration order by restoration_id
