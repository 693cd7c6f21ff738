insert into version_artifact (dataset, version, partition_key, name, media_type, uri, bytes, sha256)
values (%(dataset)s, %(version)s, %(partition)s, %(name)s, %(media_type)s, %(uri)s, %(bytes)s, %(sha256)s)
