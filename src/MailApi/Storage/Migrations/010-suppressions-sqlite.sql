-- An address has an entry for each reason, so that what ends one (its expiry, an override, a new subscription) leaves the others.
-- SQLite cannot drop the old constraint: the table is made anew.
create table suppressions_new (
    id uuid primary key,
    tenant_id uuid not null,
    address text not null,
    category text not null,
    reason text not null,
    source text not null,
    created_at bigint not null,
    expires_at bigint,
    overridden_at bigint,
    overridden_by text,
    override_reason text,
    unique (tenant_id, address, category, reason)
);
insert into suppressions_new (id, tenant_id, address, category, reason, source, created_at)
select id, tenant_id, address, category, reason, source, created_at from suppressions;
drop table suppressions;
alter table suppressions_new rename to suppressions;
create index suppressions_tenant on suppressions (tenant_id, id);
create index suppressions_expiry on suppressions (expires_at) where expires_at is not null;
