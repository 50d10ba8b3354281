-- The whole log in its order. SQLite needs no index for that: one writer at a time numbers rows in the order of commits.
create index events_order on events (transaction_id, position);

-- As in 002: a transaction bound to a tenant sees that tenant's rows alone.
alter table statistics enable row level security;
alter table statistics force row level security;
create policy tenant on statistics using (coalesce(current_setting('mailapi.tenant', true), '') in ('', tenant_id::text));
