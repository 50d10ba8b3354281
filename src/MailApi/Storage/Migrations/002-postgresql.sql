-- The second wall between tenants: a transaction bound to a tenant (mailapi.tenant) sees and writes that tenant's rows alone,
-- whatever its statements say. Unbound transactions are the service's own. Forced, because the service owns the tables.
do $$
declare
    name text;
begin
    foreach name in array array['api_keys', 'domains', 'dkim_keys', 'messages', 'message_tags', 'envelopes', 'events', 'webhooks',
        'webhook_deliveries', 'idempotency', 'suppressions', 'sandbox_messages']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant on %I using (coalesce(current_setting(''mailapi.tenant'', true), '''') in ('''', tenant_id::text))', name);
    end loop;
end $$;
