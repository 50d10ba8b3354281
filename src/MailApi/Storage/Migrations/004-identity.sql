create unique index domains_name on domains (tenant_id, name);
create unique index domains_proven on domains (name) where state <> 'pending';

-- observed: what the last look-ups found (JSON); failures: checks in a row that found a required record gone.
alter table domains add column observed text;
alter table domains add column failures integer not null default 0;
alter table domains add column next_check_at bigint not null default 0;
alter table domains add column extras text not null default '{}';
alter table domains add column rotate_after_days integer;
create index domains_check on domains (next_check_at) where verification = 'dns';

-- pending → active → retiring → revoked, each with its instant; lost_at: since when the record of an active key is gone.
alter table dkim_keys add column activated_at bigint;
alter table dkim_keys add column retired_at bigint;
alter table dkim_keys add column revoked_at bigint;
alter table dkim_keys add column lost_at bigint;
update dkim_keys set activated_at = created_at;
