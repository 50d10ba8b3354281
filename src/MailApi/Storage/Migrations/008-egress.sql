-- A node's source addresses as it has them and found them last; the report is JSON, for GET /egress.
create table egress_addresses (
    node_id uuid not null,
    address text not null,
    report text not null,
    primary key (node_id, address)
);

-- Messages by public source address and UTC day (since 1970); by site while the address is warmed up, else site is ''.
create table egress_counts (
    day bigint not null,
    address text not null,
    site text not null,
    messages bigint not null,
    primary key (day, address, site)
);
