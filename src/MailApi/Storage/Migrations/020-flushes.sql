-- Sites that the operator wants tried now; each delivering node looks for new ones every second.
create table flushes (
    site text primary key,
    flushed_at bigint not null
);
