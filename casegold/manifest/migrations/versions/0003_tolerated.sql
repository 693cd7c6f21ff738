-- What a contract tolerates: told with every result, and with every version that was published under it.
alter table quality_result drop constraint quality_result_status_check;
alter table quality_result add constraint quality_result_status_check
    check (status in ('PASSED', 'FAILED', 'MISSING', 'WAIVED', 'TOLERATED'));

alter table dataset_version add column tolerated jsonb not null default '[]' check (jsonb_typeof(tolerated) = 'array');
comment on column dataset_version.tolerated is
    'By check: how many partitions failed within what the contract tolerates, with how many failures, and why that is accepted.';
