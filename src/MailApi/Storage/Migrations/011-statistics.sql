-- What became of mail, by UTC day (since 1970) of the event. class is '' of all but bounces; site is the recipient's domain while its mail hosts are not known.
create table statistics (
    tenant_id uuid not null,
    day bigint not null,
    test boolean not null,
    domain text not null,
    category text not null,
    site text not null,
    kind text not null,
    class text not null,
    events bigint not null,
    primary key (tenant_id, day, test, domain, category, site, kind, class)
);
create index statistics_day on statistics (day);

-- How far the event log was read, by whom: moved in the transaction that holds what was read out of it.
create table event_cursors (
    reader text primary key,
    transaction_id bigint not null,
    position bigint not null
);
insert into event_cursors (reader, transaction_id, position) values ('statistics', -1, -1);
