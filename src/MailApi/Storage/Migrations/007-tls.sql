-- Sent with REQUIRETLS (RFC 8689) or not at all.
alter table messages add column require_tls boolean not null default false;

-- MTA-STS policies (RFC 8461) as they were fetched: they hold until expires_at, whoever keeps them from being fetched again.
create table sts_policies (
    domain text primary key,
    id text not null,
    policy text not null,
    fetched_at bigint not null,
    expires_at bigint not null
);
create index sts_policies_age on sts_policies (expires_at);

-- Negotiations of TLS with receivers by UTC day (since 1970), as RFC 8460 counts them. mx is '' where no mail host was come to.
create table tls_results (
    day bigint not null,
    domain text not null,
    policy_type text not null,
    result_type text not null,
    mx text not null,
    sessions bigint not null,
    primary key (day, domain, policy_type, result_type, mx)
);
