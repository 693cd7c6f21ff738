select distinct f.file_path
from version_file f
join dataset_version v using (dataset, version)
where f.dataset = %(dataset)s and f.version > %(after)s and v.state = 'COMPLETED'
