-- One text for SQLite and PostgreSQL. Instants are milliseconds since the Unix epoch; lists and objects are JSON text.
-- $identity$ and $transaction$ are filled in per database (Hosting/Store*.cs).

create table settings (
    name text primary key,
    value bytea not null
);

-- One row per running process: an incarnation that is not heard of loses its leases.
create table nodes (
    id uuid primary key,
    seen_at bigint not null
);

create table tenants (
    id uuid primary key,
    name text not null,
    ingress_per_second integer not null,
    ingress_burst integer not null,
    delayed_after_seconds integer,
    created_at bigint not null
);

create table api_keys (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    name text not null,
    mode text not null,
    hash bytea not null unique,
    scopes text not null,
    domains text,
    networks text,
    default_category text,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint
);
create index api_keys_tenant on api_keys (tenant_id);

create table domains (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    name text not null unique,
    state text not null,
    verification text not null,
    categories text not null,
    rate_per_second double precision not null,
    rate_burst integer not null,
    ownership_token text not null,
    created_at bigint not null,
    checked_at bigint
);
create index domains_tenant on domains (tenant_id);

create table dkim_keys (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    domain_id uuid not null references domains (id) on delete cascade,
    selector text not null,
    algorithm text not null,
    state text not null,
    public_key bytea not null,
    private_key bytea not null,
    created_at bigint not null,
    unique (domain_id, selector)
);

create table messages (
    id uuid primary key,
    tenant_id uuid not null,
    domain_id uuid not null,
    domain text not null,
    category text not null,
    test boolean not null,
    sender text not null,
    subject text not null,
    tags text not null,
    metadata text not null,
    on_uncertain text not null,
    size integer not null,
    content bytea not null,
    created_at bigint not null,
    expires_at bigint not null
);
create index messages_tenant on messages (tenant_id, id);

create table message_tags (
    tenant_id uuid not null,
    tag text not null,
    message_id uuid not null,
    primary key (tenant_id, tag, message_id)
);

-- due_at is the only clock: schedule, retry, throttle, lost doorbell and lease. attempt is the fence.
create table envelopes (
    id uuid primary key,
    message_id uuid not null,
    tenant_id uuid not null,
    domain_id uuid not null,
    category text not null,
    test boolean not null,
    recipient text not null,
    recipient_domain text not null,
    smtp_utf8 boolean not null,
    state text not null,
    due_at bigint not null,
    attempt integer not null default 0,
    tries integer not null default 0,
    crashes integer not null default 0,
    seq integer not null,
    node_id uuid,
    duplicate_possible boolean not null default false,
    delayed boolean not null default false,
    reply_code integer,
    reply_enhanced text,
    reply_text text,
    reply_mx text,
    created_at bigint not null,
    expires_at bigint not null,
    updated_at bigint not null
);
create index envelopes_due on envelopes (category, tenant_id, due_at) where state in ('queued', 'deferred');
create index envelopes_leased on envelopes (state, due_at) where state in ('rung', 'sending');
create index envelopes_message on envelopes (message_id);
create index envelopes_recipient on envelopes (tenant_id, recipient);

-- Append only. (transaction_id, position) is the tenant's monotonic cursor; rows at or past events_horizon() are not yet settled.
create table events (
    position $identity$,
    transaction_id bigint not null default ($transaction$),
    id uuid not null unique,
    tenant_id uuid not null,
    message_id uuid,
    envelope_id uuid,
    seq integer not null,
    type text not null,
    at bigint not null,
    data text not null
);
create index events_tenant on events (tenant_id, transaction_id, position);
create index events_message on events (message_id);

create table webhooks (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    url text not null,
    events text not null,
    enabled boolean not null,
    disabled_reason text,
    secret bytea not null,
    previous_secret bytea,
    previous_secret_until bigint,
    created_at bigint not null
);
create index webhooks_tenant on webhooks (tenant_id);

create table webhook_deliveries (
    webhook_id uuid not null references webhooks (id) on delete cascade,
    event_id uuid not null,
    tenant_id uuid not null,
    state text not null,
    due_at bigint not null,
    attempt integer not null default 0,
    tries integer not null default 0,
    last_status integer,
    last_error text,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (webhook_id, event_id)
);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at, event_id) where state = 'pending';

create table idempotency (
    tenant_id uuid not null,
    key text not null,
    body_hash bytea not null,
    message_id uuid not null,
    response text not null,
    created_at bigint not null,
    primary key (tenant_id, key)
);
create index idempotency_age on idempotency (created_at);

-- category is '' where the suppression holds for every category.
create table suppressions (
    id uuid primary key,
    tenant_id uuid not null,
    address text not null,
    category text not null,
    reason text not null,
    source text not null,
    created_at bigint not null,
    unique (tenant_id, address, category)
);

-- Mail held back on the operator's word: kind is category, tenant, domain or site; value names which.
create table suspensions (
    kind text not null,
    value text not null,
    created_at bigint not null,
    primary key (kind, value)
);

create table sandbox_messages (
    id uuid primary key,
    tenant_id uuid not null,
    message_id uuid not null,
    envelope_id uuid not null,
    mail_from text not null,
    recipient text not null,
    received_at bigint not null,
    raw bytea not null
);
create index sandbox_messages_tenant on sandbox_messages (tenant_id, id);
