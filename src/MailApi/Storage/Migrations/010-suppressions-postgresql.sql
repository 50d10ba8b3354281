-- An address has an entry for each reason, so that what ends one (its expiry, an override, a new subscription) leaves the others.
alter table suppressions drop constraint suppressions_tenant_id_address_category_key;
alter table suppressions add constraint suppressions_entry unique (tenant_id, address, category, reason);
alter table suppressions add column expires_at bigint;
alter table suppressions add column overridden_at bigint;
alter table suppressions add column overridden_by text;
alter table suppressions add column override_reason text;
create index suppressions_tenant on suppressions (tenant_id, id);
create index suppressions_expiry on suppressions (expires_at) where expires_at is not null;
