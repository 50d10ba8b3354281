-- A name may be claimed by several tenants as long as none has proved it: a squatter must not keep the owner out.
-- SQLite cannot drop the old constraint: the table is made anew. Foreign keys are off during migrations.
create table domains_new (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    name text not null,
    state text not null,
    verification text not null,
    categories text not null,
    rate_per_second double precision not null,
    rate_burst integer not null,
    ownership_token text not null,
    created_at bigint not null,
    checked_at bigint
);
insert into domains_new
select id, tenant_id, name, state, verification, categories, rate_per_second, rate_burst, ownership_token, created_at, checked_at from domains;
drop table domains;
alter table domains_new rename to domains;
