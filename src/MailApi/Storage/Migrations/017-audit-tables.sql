-- Who did what to the service, in one chain: each row's MAC covers the row before it.
create table audit (
    position bigint primary key,
    at bigint not null,
    tenant_id uuid,
    actor text not null,
    act text not null,
    subject text,
    address text,
    mac bytea not null
);
create index audit_of_tenant on audit (tenant_id, position);

-- The chain's last row, under a MAC of its own, so that rows taken from its end are missed.
create table audit_head (
    id integer primary key check (id = 0),
    position bigint not null,
    mac bytea not null,
    seal bytea not null
);
