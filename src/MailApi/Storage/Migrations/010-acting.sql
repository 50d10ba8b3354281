-- Refusals that an address may recover from, until they are too many: one row a bounced envelope.
create table soft_bounces (
    tenant_id uuid not null,
    address text not null,
    envelope_id uuid not null,
    at bigint not null,
    primary key (tenant_id, address, envelope_id)
);
create index soft_bounces_age on soft_bounces (at);

-- What a tenant writes about, for its recipients to choose from.
create table topics (
    tenant_id uuid not null,
    name text not null,
    title text not null,
    title_zh text,
    place integer not null,
    primary key (tenant_id, name)
);

-- A row: the recipient does not want this topic. It outlives the topic, which may come back.
create table topic_refusals (
    tenant_id uuid not null,
    address text not null,
    topic text not null,
    source text not null,
    created_at bigint not null,
    primary key (tenant_id, address, topic)
);

-- Of a message, and of its envelopes so that a claim need not look for it.
alter table messages add column topic text;
alter table envelopes add column topic text;
