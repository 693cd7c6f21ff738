select quality_status, publication, transform_version, contract_version, seen, tolerated
from dataset_version
where dataset = %(dataset)s and version = %(version)s and state = 'COMPLETED'
