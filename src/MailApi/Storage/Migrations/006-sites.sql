-- Only processes that deliver share the limits of destination sites.
alter table nodes add column delivers boolean not null default true;

-- What each delivering node has in force at a destination site; the report is JSON, for GET /sites.
create table sites (
    site text not null,
    node_id uuid not null,
    state text not null,
    report text not null,
    updated_at bigint not null,
    primary key (site, node_id)
);

-- Where the mail of a recipient domain went last, straight to its MX set: what a site's name means to the queue.
create table site_domains (
    recipient_domain text primary key,
    site text not null,
    seen_at bigint not null
);
create index site_domains_site on site_domains (site);
