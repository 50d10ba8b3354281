-- As in 006: a transaction bound to a tenant sees that tenant's rows alone.
alter table audit enable row level security;
alter table audit force row level security;
create policy tenant on audit using (coalesce(current_setting('mailapi.tenant', true), '') in ('', tenant_id::text));

create function audit_is_append_only() returns trigger language plpgsql as
$$ begin raise exception 'the audit log is only appended to'; end $$;
create trigger audit_stays before update or delete on audit for each row execute function audit_is_append_only();
create trigger audit_is_kept before truncate on audit for each statement execute function audit_is_append_only();
