-- What a contract tolerates: told with every result, and with every version that was published under it.
alter table quality_result drop constraint quality_result_status_check;
alter table quality_result add constraint quality_result_status_check
    check (status in ('PASSED', 'FAILED', 'MISSING', 'WAIVED', 'TOLERATED'));

alter table dataset_version add column tolerated jsonb not null default '[]' check (jsonb_typeof(tolerated) = 'array');
comment on column dataset_version.tolerated is
    'By check: how many partitions failed within what the contract tolerates, with how many failures, and why that is accepted.';

create table ingest_rejected_dates (
    ingest_seq     bigint not null,
    dataset        text not null default 'silver/case_events' check (dataset = 'silver/case_events'),
    effective_date date not null,
    records        bigint not null check (records > 0),
    primary key (ingest_seq, effective_date),
    foreign key (dataset, ingest_seq) references ingest_commit (dataset, seq)
);
comment on table ingest_rejected_dates is
    'Of which dates declared sources sent records that were rejected: told where the date is published already.';
create index ingest_rejected_dates_by_date on ingest_rejected_dates (effective_date, ingest_seq);
