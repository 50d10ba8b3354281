-- As in 002: a transaction bound to a tenant sees that tenant's rows alone.
do $$
declare
    name text;
begin
    foreach name in array array['soft_bounces', 'topics', 'topic_refusals']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant on %I using (coalesce(current_setting(''mailapi.tenant'', true), '''') in ('''', tenant_id::text))', name);
    end loop;
end $$;
