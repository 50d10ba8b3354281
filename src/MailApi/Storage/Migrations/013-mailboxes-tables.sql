-- Mailboxes whose mail is fetched. password, client_secret and refresh_token are sealed. node_id reads it until leased_until, and longer while it says so;
-- revision and changed_at are of the settings.
create table mailboxes (
    domain_id uuid primary key references domains (id) on delete cascade,
    tenant_id uuid not null references tenants (id),
    protocol text not null,
    host text not null,
    port integer not null,
    tls text not null,
    auth text not null,
    username text not null,
    password bytea,
    oauth_provider text,
    oauth_grant text,
    oauth_endpoint text,
    oauth_directory text,
    oauth_client_id text,
    oauth_scope text,
    client_secret bytea,
    refresh_token bytea,
    folder text not null,
    after_taking text not null,
    move_to text not null,
    revision integer not null,
    created_at bigint not null,
    changed_at bigint not null,
    last_connected_at bigint,
    last_error text,
    last_error_at bigint,
    processed bigint not null default 0,
    node_id uuid,
    leased_until bigint not null default 0
);
create index mailboxes_tenant on mailboxes (tenant_id);
create index mailboxes_lease on mailboxes (leased_until);

-- Messages that stay where they were found and need no second look: their UIDVALIDITY and UID, or their UIDL.
create table mailbox_messages (
    domain_id uuid not null references mailboxes (domain_id) on delete cascade,
    tenant_id uuid not null,
    message_key text not null,
    primary key (domain_id, message_key)
);
