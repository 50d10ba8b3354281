-- As in 002: a transaction bound to a tenant sees that tenant's relays alone, and not those of everyone.
alter table relays enable row level security;
alter table relays force row level security;
create policy tenant on relays using (coalesce(current_setting('mailapi.tenant', true), '') in ('', tenant_id::text));
