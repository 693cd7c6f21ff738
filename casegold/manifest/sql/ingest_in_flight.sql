-- Maintenance is no range of offsets: one that waits gives way, one that runs ends by itself. So do rebuilds and repairs.
-- Nor is an admission.
select * from run_manifest
where dataset = %(dataset)s and state = 'OPEN' and pipeline not in ('maintenance', 'admission', 'rebuild', 'repair')
order by requested_at
limit 1
