-- As in 002.
do $$
declare
    name text;
begin
    foreach name in array array['reports', 'dmarc_results', 'tls_report_results']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant on %I using (coalesce(current_setting(''mailapi.tenant'', true), '''') in ('''', tenant_id::text))', name);
    end loop;
end $$;
