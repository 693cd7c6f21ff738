-- What versions name: only an abandoned one needs nothing any more.
select f.file_path as location
from version_file f
join dataset_version v using (dataset, version)
where f.dataset = %(dataset)s and v.state <> 'ABANDONED'
union
select a.uri
from version_artifact a
join dataset_version v using (dataset, version)
where a.dataset = %(dataset)s and v.state <> 'ABANDONED'
