select state, exit_class, coalesce(message, '') as message
from run_attempt
where run_id = %(run_id)s and attempt = %(attempt)s
