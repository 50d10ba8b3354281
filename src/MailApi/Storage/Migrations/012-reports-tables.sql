-- Reports that were received (RFC 9990, RFC 8460), each once: by kind (dmarc, tls), reporter and the reporter's id. day: the UTC day (since 1970) that the middle of
-- its time lies in; results: rows that it brought.
create table reports (
    id uuid primary key,
    tenant_id uuid not null,
    domain_id uuid not null references domains (id) on delete cascade,
    kind text not null,
    organization text not null,
    report_id text not null,
    policy_domain text not null,
    day bigint not null,
    begins_at bigint not null,
    ends_at bigint not null,
    received_at bigint not null,
    results bigint not null
);
create unique index reports_once on reports (domain_id, kind, organization, report_id);
create index reports_received on reports (domain_id, received_at);
create index reports_day on reports (day);

-- Mail that was alike in everything. source is '' for what one report told beyond what is kept; dkim is a JSON list of domain, selector, result, domain, …; overrides one of
-- types.
create table dmarc_results (
    report_id uuid not null references reports (id) on delete cascade,
    number bigint not null,
    tenant_id uuid not null,
    domain_id uuid not null,
    day bigint not null,
    source text not null,
    header_from text not null,
    disposition text not null,
    dkim_aligned boolean not null,
    spf_aligned boolean not null,
    spf_domain text not null,
    spf_result text not null,
    dkim text not null,
    overrides text not null,
    messages bigint not null,
    primary key (report_id, number)
);
create index dmarc_results_day on dmarc_results (domain_id, day);

-- Sessions that came out alike, in the words of RFC 8460 §4: success, a result type, or unspecified for failures that a report only counts. receiving_mx and reason are '' where
-- the report names none.
create table tls_report_results (
    report_id uuid not null references reports (id) on delete cascade,
    number bigint not null,
    tenant_id uuid not null,
    domain_id uuid not null,
    day bigint not null,
    policy_domain text not null,
    policy_type text not null,
    result_type text not null,
    receiving_mx text not null,
    reason text not null,
    sessions bigint not null,
    primary key (report_id, number)
);
create index tls_report_results_day on tls_report_results (domain_id, day);
