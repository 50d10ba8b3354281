-- Smart hosts. tenant_id null: every tenant's. password, client_secret and refresh_token are sealed. revision fences writes; changed_at is when
-- the settings changed last, which a rotated refresh token is not.
create table relays (
    id uuid primary key,
    tenant_id uuid references tenants (id),
    name text not null,
    host text not null,
    port integer not null,
    tls text not null,
    auth text,
    username text,
    password bytea,
    oauth_provider text,
    oauth_grant text,
    oauth_endpoint text,
    oauth_directory text,
    oauth_client_id text,
    oauth_scope text,
    client_secret bytea,
    refresh_token bytea,
    domain text,
    category text,
    priority integer not null,
    weight integer not null,
    per_second double precision,
    burst integer,
    connections integer,
    messages_per_connection integer,
    enabled boolean not null,
    revision integer not null,
    created_at bigint not null,
    changed_at bigint not null
);
create index relays_tenant on relays (tenant_id);
