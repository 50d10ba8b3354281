-- As in 006: a transaction bound to a tenant sees that tenant's mailboxes alone.
alter table mailboxes enable row level security;
alter table mailboxes force row level security;
create policy tenant on mailboxes using (coalesce(current_setting('mailapi.tenant', true), '') in ('', tenant_id::text));

alter table mailbox_messages enable row level security;
alter table mailbox_messages force row level security;
create policy tenant on mailbox_messages using (coalesce(current_setting('mailapi.tenant', true), '') in ('', tenant_id::text));
